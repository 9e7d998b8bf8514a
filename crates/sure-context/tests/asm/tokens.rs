//! Rust source as trees of tokens, as far as the backends need it.

/// A token; what stands between brackets is one token with a tree in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Word(String),
    Text(String),
    Mark(char),
    Group(char, Vec<Token>),
}

impl Token {
    pub(crate) fn is(&self, word: &str) -> bool {
        matches!(self, Token::Word(found) if found == word)
    }

    pub(crate) fn is_mark(&self, mark: char) -> bool {
        matches!(self, Token::Mark(found) if *found == mark)
    }
}

/// The tokens of a source file, without its comments.
pub(crate) fn read(source: &str) -> Vec<Token> {
    let characters: Vec<char> = source.chars().collect();
    let mut at = 0;
    let tokens = until(&characters, &mut at, None);
    assert_eq!(
        at,
        characters.len(),
        "a closing bracket without its partner"
    );
    tokens
}

/// Reads up to the bracket that closes, and past it.
fn until(text: &[char], at: &mut usize, end: Option<char>) -> Vec<Token> {
    let mut tokens = Vec::new();
    while let Some(&first) = text.get(*at) {
        *at += 1;
        match first {
            _ if first.is_whitespace() => {}
            '/' if text.get(*at) == Some(&'/') => {
                while text.get(*at).is_some_and(|c| *c != '\n') {
                    *at += 1;
                }
            }
            '"' => tokens.push(Token::Text(string(text, at))),
            '(' => tokens.push(Token::Group('(', until(text, at, Some(')')))),
            '[' => tokens.push(Token::Group('[', until(text, at, Some(']')))),
            '{' => tokens.push(Token::Group('{', until(text, at, Some('}')))),
            ')' | ']' | '}' => {
                assert_eq!(Some(first), end, "brackets are paired");
                return tokens;
            }
            _ if first.is_alphanumeric() || first == '_' => {
                let begin = *at - 1;
                while text
                    .get(*at)
                    .is_some_and(|c| c.is_alphanumeric() || *c == '_')
                {
                    *at += 1;
                }
                tokens.push(Token::Word(text[begin..*at].iter().collect()));
            }
            _ => tokens.push(Token::Mark(first)),
        }
    }
    assert_eq!(end, None, "a bracket is closed");
    tokens
}

/// The content of a string whose opening quote has been read.
fn string(text: &[char], at: &mut usize) -> String {
    let mut content = String::new();
    loop {
        let character = text[*at];
        *at += 1;
        match character {
            '"' => return content,
            '\\' => {
                let escaped = text[*at];
                *at += 1;
                match escaped {
                    'n' => content.push('\n'),
                    '\n' => {
                        while text[*at].is_whitespace() {
                            *at += 1;
                        }
                    }
                    _ => content.push(escaped),
                }
            }
            _ => content.push(character),
        }
    }
}

/// The parts between commas; an empty last one is none.
pub(crate) fn split(tokens: &[Token]) -> Vec<&[Token]> {
    let mut parts: Vec<&[Token]> = tokens.split(|token| token.is_mark(',')).collect();
    if parts.last().is_some_and(|last| last.is_empty()) {
        parts.pop();
    }
    parts
}
