//! As much of the shell's grammar as lines of crontabs use: words, quotes, variables, redirections, lists of commands.

/// A word: literal text and variables.
pub(super) type Word = Vec<Piece>;

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// `$NAME` or `${NAME}`.
    Variable(String),
}

/// The line needs a shell: a substitution, an open quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NeedsAShell;

/// The commands of a line, without redirections. What joins them (`;`, `&&`, `||`, `|`, `&`) is dropped.
pub(super) fn commands(line: &str) -> Result<Vec<Vec<Word>>, NeedsAShell> {
    let mut lexer = Lexer { rest: line.chars().peekable() };
    let mut commands = vec![Vec::new()];
    while let Some(token) = lexer.token()? {
        match token {
            Token::Join => commands.push(Vec::new()),
            Token::Redirect => {
                // Its file is the next word.
                lexer.token()?;
            }
            Token::Word(word) => {
                if let Some(command) = commands.last_mut() {
                    command.push(word);
                }
            }
        }
    }
    commands.retain(|command| !command.is_empty());
    Ok(commands)
}

/// The text of a word that has no variables.
pub(super) fn literal(word: &[Piece]) -> Option<String> {
    word.iter()
        .map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Variable(_) => None,
        })
        .collect()
}

enum Token {
    Word(Word),
    Join,
    Redirect,
}

struct Lexer<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
}

impl Lexer<'_> {
    fn token(&mut self) -> Result<Option<Token>, NeedsAShell> {
        while self.rest.next_if(|c| c.is_whitespace()).is_some() {}
        let Some(first) = self.rest.peek().copied() else { return Ok(None) };
        match first {
            '#' => Ok(None),
            ';' | '|' | '&' => {
                while self.rest.next_if(|c| matches!(c, ';' | '|' | '&')).is_some() {}
                let redirect = self.rest.next_if_eq(&'>').is_some();
                Ok(Some(if redirect { self.redirection() } else { Token::Join }))
            }
            '>' | '<' => {
                self.rest.next();
                Ok(Some(self.redirection()))
            }
            '(' | ')' => Err(NeedsAShell),
            _ => self.word().map(Some),
        }
    }

    fn redirection(&mut self) -> Token {
        while self.rest.next_if(|c| matches!(c, '>' | '<' | '&' | '|')).is_some() {}
        Token::Redirect
    }

    fn word(&mut self) -> Result<Token, NeedsAShell> {
        let mut word = Builder::default();
        while let Some(c) = self.rest.next_if(|c| !c.is_whitespace() && !";|&<>()".contains(*c)) {
            match c {
                '\'' => self.single_quoted(&mut word)?,
                '"' => self.double_quoted(&mut word)?,
                '\\' => word.push(self.rest.next().unwrap_or('\\')),
                '$' => self.variable(&mut word)?,
                '`' => return Err(NeedsAShell),
                _ => word.push(c),
            }
        }
        let word = word.finish();
        // A number directly before `>` is the descriptor that is redirected.
        let descriptor = matches!(word.as_slice(), [Piece::Text(text)] if text.bytes().all(|b| b.is_ascii_digit()));
        if descriptor && self.rest.next_if(|c| matches!(c, '>' | '<')).is_some() {
            return Ok(self.redirection());
        }
        Ok(Token::Word(word))
    }

    fn single_quoted(&mut self, word: &mut Builder) -> Result<(), NeedsAShell> {
        word.quote();
        loop {
            match self.rest.next().ok_or(NeedsAShell)? {
                '\'' => return Ok(()),
                c => word.push(c),
            }
        }
    }

    fn double_quoted(&mut self, word: &mut Builder) -> Result<(), NeedsAShell> {
        word.quote();
        loop {
            match self.rest.next().ok_or(NeedsAShell)? {
                '"' => return Ok(()),
                '`' => return Err(NeedsAShell),
                '$' => self.variable(word)?,
                '\\' => match self.rest.next().ok_or(NeedsAShell)? {
                    c @ ('"' | '\\' | '$' | '`') => word.push(c),
                    c => {
                        word.push('\\');
                        word.push(c);
                    }
                },
                c => word.push(c),
            }
        }
    }

    fn variable(&mut self, word: &mut Builder) -> Result<(), NeedsAShell> {
        let braced = self.rest.next_if_eq(&'{').is_some();
        let mut name = String::new();
        while let Some(c) = self.rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
            name.push(c);
        }
        let closed = !braced || self.rest.next_if_eq(&'}').is_some();
        if !closed || self.rest.peek() == Some(&'(') && name.is_empty() || braced && name.is_empty() {
            return Err(NeedsAShell);
        }
        if name.is_empty() {
            word.push('$');
        } else {
            word.variable(name);
        }
        Ok(())
    }
}

#[derive(Default)]
struct Builder {
    pieces: Vec<Piece>,
}

impl Builder {
    fn push(&mut self, c: char) {
        match self.pieces.last_mut() {
            Some(Piece::Text(text)) => text.push(c),
            _ => self.pieces.push(Piece::Text(c.to_string())),
        }
    }

    /// Quotes make a word, even an empty one.
    fn quote(&mut self) {
        if self.pieces.is_empty() {
            self.pieces.push(Piece::Text(String::new()));
        }
    }

    fn variable(&mut self, name: String) {
        self.pieces.push(Piece::Variable(name));
    }

    fn finish(self) -> Word {
        self.pieces
    }
}
