//! The macros of a backend, expanded as the compiler expands them: by rules
//! with `ident`, `literal`, `expr` and `tt`, repetitions, and `cfg` attributes.

use crate::tokens::{Token, read, split};
use std::collections::BTreeMap;

/// What a `cfg` may ask about a target: `("target_pointer_width", "64")`.
pub(crate) type Facts = [(&'static str, &'static str)];

/// Macros by their names.
pub(crate) struct Macros(BTreeMap<String, Vec<Rule>>);

/// A pattern, and what it becomes.
type Rule = (Vec<Token>, Vec<Token>);

/// What the variables of a pattern stand for.
#[derive(Clone, Default)]
struct Bindings {
    single: BTreeMap<String, Vec<Token>>,
    /// For each repetition, by the names inside it, what each round has bound.
    repeated: Vec<(Vec<String>, Vec<Bindings>)>,
}

impl Macros {
    /// The macros that these sources define for a target.
    pub(crate) fn of(sources: &[&str], facts: &Facts) -> Macros {
        let mut macros = BTreeMap::new();
        for source in sources {
            let tokens = read(source);
            let mut admitted = true;
            let mut at = 0;
            while at < tokens.len() {
                match &tokens[at..] {
                    [hash, Token::Group('[', attribute), ..] if hash.is_mark('#') => {
                        admitted &= !attribute[0].is("cfg") || holds(attribute, facts);
                        at += 2;
                    }
                    [rules, bang, Token::Word(name), Token::Group(_, body), ..]
                        if rules.is("macro_rules") && bang.is_mark('!') =>
                    {
                        if admitted {
                            macros.insert(name.clone(), rules_of(body));
                        }
                        admitted = true;
                        at += 4;
                    }
                    _ => {
                        admitted = true;
                        at += 1;
                    }
                }
            }
        }
        Macros(macros)
    }

    /// What a call of one of these macros becomes, itself not expanded further.
    pub(crate) fn expand(&self, name: &str, arguments: &[Token]) -> Vec<Token> {
        let rules = self
            .0
            .get(name)
            .unwrap_or_else(|| panic!("no macro {name}!"));
        for (pattern, body) in rules {
            let mut bindings = Bindings::default();
            if matches(pattern, arguments, &mut bindings) == Some(arguments.len()) {
                return transcribe(body, &bindings);
            }
        }
        panic!("no rule of {name}! matches {arguments:?}")
    }

    /// The string that an expression of literals and macros stands for.
    pub(crate) fn text(&self, expression: &[Token]) -> String {
        match expression {
            [Token::Text(text)] => text.clone(),
            [Token::Word(number)] => number.clone(),
            [Token::Word(name), bang, Token::Group(_, arguments)] if bang.is_mark('!') => {
                match name.as_str() {
                    "concat" | "cfi" => split(arguments)
                        .iter()
                        .map(|part| self.text(part))
                        .collect(),
                    "stringify" => self.text(arguments),
                    _ => self.text(&self.expand(name, arguments)),
                }
            }
            _ => panic!("not a string: {expression:?}"),
        }
    }
}

/// Whether the condition in `cfg(…)` holds.
fn holds(attribute: &[Token], facts: &Facts) -> bool {
    match attribute {
        [Token::Word(operator), Token::Group(_, operands)] => {
            let mut operands = split(operands).into_iter();
            match operator.as_str() {
                "cfg" | "all" => operands.all(|operand| holds(operand, facts)),
                "any" => operands.any(|operand| holds(operand, facts)),
                "not" => !operands.any(|operand| holds(operand, facts)),
                _ => panic!("cfg knows no {operator}"),
            }
        }
        [Token::Word(key), equals, Token::Text(value)] if equals.is_mark('=') => {
            facts.contains(&(key.as_str(), value.as_str()))
        }
        _ => panic!("not a condition: {attribute:?}"),
    }
}

fn rules_of(body: &[Token]) -> Vec<Rule> {
    let rules = body.split(|token| token.is_mark(';'));
    let rules = rules.filter(|rule| !rule.is_empty());
    let rule = |rule: &[Token]| match rule {
        [Token::Group(_, pattern), _, _, Token::Group(_, body)] => (pattern.clone(), body.clone()),
        _ => panic!("not a rule: {rule:?}"),
    };
    rules.map(rule).collect()
}

/// How many of the tokens a pattern takes, if it matches from the first on.
fn matches(pattern: &[Token], tokens: &[Token], bindings: &mut Bindings) -> Option<usize> {
    let mut taken = 0;
    let mut at = 0;
    while at < pattern.len() {
        let rest = &tokens[taken..];
        match &pattern[at..] {
            [dollar, Token::Word(name), colon, Token::Word(kind), ..]
                if dollar.is_mark('$') && colon.is_mark(':') =>
            {
                let length = match (kind.as_str(), rest.first()?) {
                    ("ident", Token::Word(_)) | ("tt", _) => 1,
                    ("literal", Token::Text(_) | Token::Word(_)) => 1,
                    ("expr", _) => rest.iter().take_while(|token| !token.is_mark(',')).count(),
                    _ => return None,
                };
                bindings
                    .single
                    .insert(name.clone(), rest[..length].to_vec());
                taken += length;
                at += 4;
            }
            [dollar, Token::Group('(', inner), operator, ..] if dollar.is_mark('$') => {
                let mut rounds = Vec::new();
                loop {
                    let mut round = Bindings::default();
                    match matches(inner, &tokens[taken..], &mut round) {
                        Some(length) if length > 0 => taken += length,
                        _ => break,
                    }
                    rounds.push(round);
                    if operator.is_mark('?') {
                        break;
                    }
                }
                bindings.repeated.push((variables(inner), rounds));
                at += 3;
            }
            [Token::Group(bracket, inner), ..] => {
                let Token::Group(found, content) = rest.first()? else {
                    return None;
                };
                if found != bracket || matches(inner, content, bindings)? != content.len() {
                    return None;
                }
                taken += 1;
                at += 1;
            }
            [token, ..] => {
                if rest.first()? != token {
                    return None;
                }
                taken += 1;
                at += 1;
            }
            [] => unreachable!("the loop ends before"),
        }
    }
    Some(taken)
}

/// The names that follow a `$`.
fn variables(tokens: &[Token]) -> Vec<String> {
    let mut names = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Group(_, inner) => names.extend(variables(inner)),
            Token::Word(name) if at > 0 && tokens[at - 1].is_mark('$') => names.push(name.clone()),
            _ => {}
        }
    }
    names
}

fn transcribe(body: &[Token], bindings: &Bindings) -> Vec<Token> {
    let mut result = Vec::new();
    let mut at = 0;
    while at < body.len() {
        match &body[at..] {
            [dollar, Token::Word(name), ..] if dollar.is_mark('$') => {
                let value = bindings.single.get(name);
                result.extend_from_slice(value.unwrap_or_else(|| panic!("${name} is bound")));
                at += 2;
            }
            [dollar, Token::Group('(', inner), ..] if dollar.is_mark('$') => {
                let used = variables(inner);
                let named = |(names, _): &&(Vec<String>, _)| names.iter().any(|n| used.contains(n));
                let (_, rounds) = bindings.repeated.iter().find(named).expect("a repetition");
                // A separator stands before the operator; rounds that are not
                // the last are followed by it.
                let operator = |token: &Token| matches!(token, Token::Mark('?' | '*' | '+'));
                let separator = (!operator(&body[at + 2])).then(|| body[at + 2].clone());
                for (number, round) in rounds.iter().enumerate() {
                    if number > 0 {
                        result.extend(separator.clone());
                    }
                    let mut all = bindings.clone();
                    all.single.extend(round.single.clone());
                    result.extend(transcribe(inner, &all));
                }
                at += 3 + usize::from(separator.is_some());
            }
            [Token::Group(bracket, inner), ..] => {
                result.push(Token::Group(*bracket, transcribe(inner, bindings)));
                at += 1;
            }
            [token, ..] => {
                result.push(token.clone());
                at += 1;
            }
            [] => unreachable!("the loop ends before"),
        }
    }
    result
}
