//! From the texts of all files to [`Definitions`], or to everything that is wrong with them.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use toml::de::DeTable;

use super::{
    Attachment, Definitions, JobName, LoadContext, Settings, Target,
    assemble::{self, Surroundings},
    attachment::Attachments,
    doubts::{self, Placed},
    draft::{Draft, draft},
    files::read_sources,
    finding::{At, Finding, Notes, Report, Severity},
    group::{self, Groups},
    keys::{self, Key},
    reader::{Found, Node, Section, clip, entries},
    settings::settings,
    source::{Source, fingerprint},
    suggest::nearest,
    syntax,
    target::{self, from_override},
    timing::Timing,
};

/// Definitions that can be used.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the files define.
    pub definitions: Definitions,
    /// What may not do what was meant.
    pub warnings: Vec<Finding>,
    /// The texts they were read from.
    pub sources: Vec<Source>,
    /// What they name beside them.
    pub attachments: Vec<Attachment>,
    /// The hash of all that, see [`fingerprint`].
    pub fingerprint: String,
}

/// Reads and checks a file of definitions and the `jobs.d/*.toml` next to it. Zero jobs is fine (seed E18).
///
/// # Errors
/// A [`Report`] with every error of every file.
pub fn load(path: &Path, context: &LoadContext) -> Result<Loaded, Report> {
    load_sources(read_sources(path)?, context)
}

/// Checks texts that are already read. The first is the main file, the others are those of `jobs.d`;
/// without any, it is an empty main file.
///
/// # Errors
/// A [`Report`] with every error of every text.
pub fn load_sources(mut sources: Vec<Source>, context: &LoadContext) -> Result<Loaded, Report> {
    if sources.is_empty() {
        sources.push(Source::new("jobs.toml", ""));
    }
    let mut notes = Notes::new(&sources);
    let attachments = Attachments::of(&sources);
    let definitions = walk(&sources, &attachments, context, &mut notes);
    let (findings, attachments) = (notes.finish(), attachments.into_list());
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(Report { findings, sources, attachments });
    }
    let fingerprint = fingerprint(&sources, &attachments);
    Ok(Loaded { definitions, warnings: findings, sources, attachments, fingerprint })
}

/// The tables of all files, in the order of the files.
#[derive(Default)]
struct Tables<'a> {
    sexton: Option<Section<'a>>,
    defaults: Option<Section<'a>>,
    targets: Vec<(Found<&'a str>, Section<'a>)>,
    groups: Vec<(Found<&'a str>, Section<'a>)>,
    jobs: Vec<(Found<&'a str>, Section<'a>)>,
}

fn walk(sources: &[Source], attachments: &Attachments, context: &LoadContext, notes: &mut Notes) -> Definitions {
    let trees: Vec<DeTable> =
        sources.iter().enumerate().map(|(file, source)| syntax::parse(file, source, notes)).collect();
    let tables = sort_out(&trees, notes);
    let settings = settings(tables.sexton.as_ref(), context, notes);
    let defaults =
        tables.defaults.as_ref().map_or_else(Draft::default, |section| draft(section, attachments, context, notes));
    let targets = targets(&tables, &settings, context, notes);
    let groups: Groups =
        tables.groups.iter().map(|(name, one)| (name.value.to_owned(), group::group(name, one, notes))).collect();
    let around =
        Surroundings { settings: &settings, targets: &targets, groups: &groups, defaults: &defaults, attachments };
    let mut timing = Timing::new(context.now);
    let mut placed = Vec::with_capacity(tables.jobs.len());
    for (name, section) in &tables.jobs {
        if let Some(job) = assemble::job(name, section, &around, &mut timing, context, notes) {
            let timeout = section.at_key("timeout");
            placed.push(Placed { job: Arc::new(job), name: name.at.clone(), timeout });
        }
    }
    doubts::note(&placed, context.now, notes);
    let targets = targets.into_iter().filter_map(|(name, target)| Some((name, target?))).collect();
    let groups = groups.into_iter().filter_map(|(name, group)| Some((name, group?))).collect();
    let jobs: BTreeMap<JobName, _> = placed.into_iter().map(|placed| (placed.job.name.clone(), placed.job)).collect();
    Definitions { settings, targets, groups, jobs }
}

/// Sorts what the files hold into the five tables, and notes what belongs to none of them.
fn sort_out<'a>(trees: &'a [DeTable<'a>], notes: &mut Notes) -> Tables<'a> {
    let mut tables = Tables::default();
    for (file, tree) in trees.iter().enumerate() {
        for (key, node) in entries(file, tree) {
            match key.value {
                "sexton" => tables.sexton = only_in_main(&key, node, keys::SEXTON, notes).or(tables.sexton),
                "defaults" => tables.defaults = only_in_main(&key, node, keys::DEFAULTS, notes).or(tables.defaults),
                "targets" => sections(node, "targets", keys::TARGET, &mut tables.targets, notes),
                "groups" => sections(node, "groups", keys::GROUP, &mut tables.groups, notes),
                "jobs" => sections(node, "jobs", keys::JOB, &mut tables.jobs, notes),
                _ => unknown_table(&key, notes),
            }
        }
    }
    once_each("target", &mut tables.targets, notes);
    once_each("group", &mut tables.groups, notes);
    once_each("job", &mut tables.jobs, notes);
    tables
}

fn only_in_main<'a>(
    key: &Found<&str>,
    node: Node<'a>,
    known: &'static [Key],
    notes: &mut Notes,
) -> Option<Section<'a>> {
    let title = format!("[{}]", key.value);
    if key.at.file != 0 {
        notes
            .error(&key.at, format!("{title} stands only in the main file"))
            .help("files in jobs.d hold [jobs.*], [targets.*] and [groups.*]");
        return None;
    }
    let table = node.table(&title, notes)?;
    Some(Section::open(node.file, table, title, key.at.clone(), known, notes))
}

fn sections<'a>(
    node: Node<'a>,
    kind: &str,
    known: &'static [Key],
    into: &mut Vec<(Found<&'a str>, Section<'a>)>,
    notes: &mut Notes,
) {
    let Some(table) = node.table(&format!("[{kind}.NAME]"), notes) else { return };
    for (name, node) in entries(node.file, table) {
        let title = format!("[{kind}.{}]", written(name.value));
        if let Some(table) = node.table(&title, notes) {
            let section = Section::open(node.file, table, title, name.at.clone(), known, notes);
            into.push((name, section));
        }
    }
}

/// A name as a TOML key.
fn written(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if bare { name.to_owned() } else { format!("\"{}\"", clip(name)) }
}

fn unknown_table(key: &Found<&str>, notes: &mut Notes) {
    let near = nearest(key.value, keys::TABLES).map_or(String::new(), |near| format!("did you mean `{near}`? "));
    notes
        .error(&key.at, format!("unknown table or key `{}` at the top of the file", clip(key.value)))
        .help(format!("{near}accepted: [sexton], [targets.NAME], [groups.NAME], [defaults], [jobs.NAME]"));
}

/// Notes names that two files define (seed E16), and keeps the first of each.
fn once_each<'a>(kind: &str, sections: &mut Vec<(Found<&'a str>, Section<'a>)>, notes: &mut Notes) {
    let mut firsts: HashMap<&'a str, At> = HashMap::new();
    sections.retain(|(name, _)| match firsts.get(name.value) {
        None => {
            firsts.insert(name.value, name.at.clone());
            true
        }
        Some(first) => {
            let first = notes.place(first);
            notes
                .error(&name.at, format!("{kind} `{}` is defined twice", clip(name.value)))
                .related(first)
                .help("take one of the two out, or give it another name");
            false
        }
    });
}

fn targets(
    tables: &Tables,
    settings: &Settings,
    context: &LoadContext,
    notes: &mut Notes,
) -> BTreeMap<String, Option<Arc<Target>>> {
    let mut targets: BTreeMap<String, Option<Arc<Target>>> = BTreeMap::new();
    for (name, section) in &tables.targets {
        targets.insert(name.value.to_owned(), target::target(name, section, settings, context, notes));
    }
    if !targets.contains_key(target::DEFAULT) && context.overrides.base_url.is_some() {
        targets.insert(target::DEFAULT.to_owned(), from_override(context, notes));
    }
    targets
}
