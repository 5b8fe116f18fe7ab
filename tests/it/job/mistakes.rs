//! What people get wrong, and what they are told: file, line, column, what is allowed, the nearest match.

use super::{APP, lines, load_text};

/// A name, and the lines below `[targets.app]`.
pub(crate) const MISTAKES: &[(&str, &str)] = &[
    ("key misspelt", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\ntimout = \"30s\"\n"),
    ("key of another table", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nbase_url = \"http://b\"\n"),
    ("key that nothing resembles", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nfrobnicate = 1\n"),
    ("table misspelt", "[job.a]\nschedule = \"every 1h\"\npath = \"/a\"\n"),
    ("number for a duration", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\ntimeout = 30\n"),
    ("duration without a unit", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\ntimeout = \"30\"\n"),
    ("duration out of range", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\ntimeout = \"25h\"\n"),
    ("empty duration", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nhold = \"\"\n"),
    ("word misspelt", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\noverlap = \"skipp\"\n"),
    ("quoted boolean", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nenabled = \"false\"\n"),
    ("no schedule and no path", "[jobs.a]\nmethod = \"GET\"\n"),
    ("bad schedule", "[jobs.a]\nschedule = \"0 25 * * *\"\npath = \"/a\"\n"),
    ("never fires", "[jobs.a]\nschedule = [\"every 1h\", \"0 0 30 2 *\"]\npath = \"/a\"\n"),
    ("zone misspelt", "[jobs.a]\nschedule = \"daily 03:00\"\npath = \"/a\"\ntimezone = \"Europe/Pragu\"\n"),
    ("unknown target", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\ntarget = \"ap\"\n"),
    ("json and body", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nbody = \"x\"\njson = { a = 1 }\n"),
    ("body and body file", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nbody_file = \"x\"\nbody = \"x\"\n"),
    ("body file elsewhere", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nbody_file = \"../x\"\n"),
    ("address for a path", "[jobs.a]\nschedule = \"every 1h\"\npath = \"http://app:8000/a\"\n"),
    ("path that climbs", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a/%2E./b\"\n"),
    ("method in lower case", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nmethod = \"post\"\n"),
    ("header of Sexton's own", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nheaders = { Sexton-Job = \"b\" }\n"),
    (
        "credential in a header",
        "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nheaders = { Authorization = \"Bearer x\" }\n",
    ),
    (
        "unset variable",
        "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nheaders = { X-Key = { env = \"PARTNER_KEY\" } }\n",
    ),
    (
        "Sexton's own variable",
        "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nheaders = { X-Key = { env = \"SCHEDULER_API_TOKEN\" } }\n",
    ),
    (
        "status that is no success",
        "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nexpect = { status = [\"2xx\", 500] }\n",
    ),
    ("name with a space", "[jobs.\"a b\"]\nschedule = \"every 1h\"\npath = \"/a\"\n"),
    (
        "name defined twice",
        "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\n[jobs.a]\nschedule = \"every 2h\"\npath = \"/b\"\n",
    ),
    ("key given twice", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\npath = \"/b\"\n"),
    ("quote left open", "[jobs.a]\nschedule = \"every 1h\npath = \"/a\"\n"),
    ("header left open", "[jobs.a\nschedule = \"every 1h\"\npath = \"/a\"\n"),
    ("value left out", "[jobs.a]\nschedule =\npath = \"/a\"\n"),
    ("word without quotes", "[jobs.a]\nschedule = every 1h\npath = \"/a\"\n"),
    ("target without address", "[targets.b]\nauth = \"none\"\n"),
    ("unknown way to authenticate", "[targets.b]\nbase_url = \"http://b\"\nauth = \"shared_secret\"\n"),
    ("credentials in the address", "[targets.b]\nbase_url = \"http://me:hunter2@b:8000\"\n"),
    ("token file without a path", "[targets.b]\nbase_url = \"http://b\"\nauth = \"token-file\"\n"),
    (
        "token file that depends on the folder",
        "[targets.b]\nbase_url = \"http://b\"\nauth = \"token-file\"\ntoken_file = \"./token\"\n",
    ),
    (
        "run tokens without issuer and audience",
        "[targets.b]\nbase_url = \"http://b\"\nauth = \"run-token\"\nscopes = [\"a b\", \"c\"]\n",
    ),
    (
        "key of another way to authenticate",
        "[targets.b]\nbase_url = \"http://b\"\naudience = \"b\"\nscopes = [\"a\"]\ntoken_file = \"/run/token\"\n",
    ),
    (
        "scope that the target has not",
        "[sexton]\nissuer = \"https://cron\"\n[targets.b]\nbase_url = \"http://b\"\nauth = \"run-token\"\naudience = \"b\"\n\
         scopes = [\"sync:run\"]\n[jobs.a]\ntarget = \"b\"\nschedule = \"every 1h\"\npath = \"/a\"\nscopes = [\"sync:runn\"]\n",
    ),
    ("scopes without run tokens", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nscopes = [\"sync:run\"]\n"),
    ("issuer with a space", "[sexton]\nissuer = \"the cron\"\n"),
    ("certificate without a key", "[targets.b]\nbase_url = \"https://b\"\nclient_cert = \"/run/client.pem\"\n"),
    ("authority of a plain address", "[targets.b]\nbase_url = \"http://b\"\nca_file = \"/run/ca.pem\"\n"),
    ("proxy to a socket", "[targets.b]\nbase_url = \"unix:///run/b.sock\"\nproxy = \"http://proxy:3128\"\n"),
    ("proxy with credentials", "[targets.b]\nbase_url = \"http://b\"\nproxy = \"http://me:hunter2@proxy:3128\"\n"),
    ("proxy with a path", "[targets.b]\nbase_url = \"http://b\"\nproxy = \"http://proxy/way\"\n"),
    ("proxy of another kind", "[targets.b]\nbase_url = \"http://b\"\nproxy = \"socks5://proxy\"\n"),
    ("socket without a root", "[targets.b]\nbase_url = \"unix://run/b.sock\"\n"),
    ("authority that depends on the folder", "[targets.b]\nbase_url = \"https://b\"\nca_file = \"ca.pem\"\n"),
    ("no patience", "[targets.b]\nbase_url = \"http://b\"\nconnect_timeout = \"0s\"\n"),
    ("header without a secret", "[targets.b]\nbase_url = \"http://b\"\nauth = \"none\"\nheader = \"X-Api-Key\"\n"),
    (
        "unknown group",
        "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\ngroup = \"bd\"\n[groups.db]\nconcurrency = 2\n",
    ),
    ("group without a limit", "[groups.db]\n"),
    ("limit of no one", "[groups.db]\nconcurrency = 0\n"),
    ("replace without cancel", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\noverlap = \"replace\"\n"),
    ("cancel without a path", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\ncancel = { method = \"POST\" }\n"),
    (
        "path of cancel that nothing fills",
        "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\ncancel = { path = \"/a/{id}/cancel\" }\n",
    ),
    (
        "braces without a name",
        "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\ncompletion = \"poll\"\npoll = { url = \"/a/{}\" }\n",
    ),
    ("poll without completion", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\npoll = { interval = \"5s\" }\n"),
    (
        "address to poll at",
        "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\ncompletion = \"poll\"\npoll = { url = \"http://app/a/{id}\" }\n",
    ),
    (
        "word for the place to poll at",
        "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\ncompletion = \"poll\"\npoll = { url = \"Location\" }\n",
    ),
    (
        "states as one text",
        "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\ncompletion = \"poll\"\npoll = { success = \"done\" }\n",
    ),
    (
        "state of both kinds",
        "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\ncompletion = \"poll\"\npoll = { success = [\"done\", \"over\"], failure = [\"over\"] }\n",
    ),
    (
        "pointer without a slash",
        "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\ncompletion = \"poll\"\npoll = { state = \"status\" }\n",
    ),
    (
        "member without a slash",
        "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nexpect = { json = { errors = 0 } }\n",
    ),
    ("nothing to contain", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nexpect = { contains = \"\" }\n"),
    (
        "retry after a timeout",
        "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nretry = { attempts = 3, on = [\"connect\", \"timeout\"] }\n",
    ),
    (
        "retry after a success",
        "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nretry = { attempts = 3, on = [200] }\n",
    ),
    ("no attempt", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nretry = { attempts = 0 }\n"),
    ("waits that shrink", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nretry = { attempts = 3, factor = 0.5 }\n"),
    (
        "first wait over the longest",
        "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nretry = { attempts = 3, initial = \"10m\" }\n",
    ),
    ("attempts outside retry", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nattempts = 3\n"),
    (
        "window without catching up",
        "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\ncatch_up = \"none\"\ncatch_up_window = \"1h\"\n",
    ),
    ("jitter over a day", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\njitter = \"25h\"\n"),
    ("history without a table", "[sexton]\nhistory = \"90d\"\n"),
    ("history of no run", "[sexton]\nhistory = { keep = \"90d\", per_job = 0 }\n"),
    ("notify, which is not there yet", "[jobs.a]\nschedule = \"every 1h\"\npath = \"/a\"\nnotify = [\"ops\"]\n"),
];

fn told() -> Vec<(&'static str, Vec<String>)> {
    MISTAKES.iter().map(|(name, text)| (*name, lines(load_text(&format!("{APP}{text}"))))).collect()
}

/// Seeds E1, A28: nothing is ignored or guessed.
#[test]
fn each_mistake_is_told_with_its_place_and_a_way_out() {
    for (name, lines) in told() {
        for line in lines {
            let mut parts = line.splitn(4, ':');
            assert_eq!(parts.next(), Some("jobs.toml"), "{name}: {line}");
            for number in parts.by_ref().take(2) {
                assert!(number.parse::<usize>().is_ok_and(|number| number > 0), "{name}: {line}");
            }
            assert!(parts.next().unwrap().starts_with(" error: "), "{name}: {line}");
        }
    }
}

#[test]
fn the_words_of_each_mistake() {
    let told: Vec<String> = told().iter().map(|(name, lines)| format!("# {name}\n{}\n", lines.join("\n"))).collect();
    insta::assert_snapshot!("mistakes", told.join("\n"));
}
