//! The figures as ratios, in Markdown.

use std::fmt::Write as _;

use crate::entrant::Role;
use crate::race::{Figure, Row};

/// A line for each question. A ratio over 1 is time that is not needed.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| | vhdtree : limit | limit | quickest peer : vhdtree | other peers : vhdtree |\n\
         | --- | --: | --- | --: | --- |\n",
    );
    for row in rows {
        let Some(ours) = row.ours() else {
            continue;
        };
        let of_limit = row.best(Role::Limit).map_or_else(
            || ("-".to_owned(), "-"),
            |limit| (times(ours, limit), limit.name.as_str()),
        );
        let quickest = row.best(Role::Peer);
        let mut others: Vec<&Figure> = row
            .figures
            .iter()
            .filter(|figure| figure.role == Role::Peer)
            .filter(|figure| quickest.is_none_or(|quickest| quickest.name != figure.name))
            .collect();
        others.sort_by(|a, b| a.amount.value().total_cmp(&b.amount.value()));
        let named = |figure: &Figure| format!("{} {}", figure.name, times(figure, ours));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            row.question,
            of_limit.0,
            of_limit.1,
            quickest.map_or_else(|| "-".to_owned(), |peer| format!("**{}**", named(peer))),
            others.into_iter().map(named).collect::<Vec<_>>().join(", "),
        );
    }
    text
}

/// How many times the one is the other.
fn times(one: &Figure, other: &Figure) -> String {
    let ratio = one.amount.value() / other.amount.value();
    if ratio < 10.0 {
        format!("{ratio:.2}")
    } else {
        format!("{ratio:.0}")
    }
}
