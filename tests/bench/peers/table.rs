//! The figures as ratios, in Markdown.

use std::fmt::Write as _;

use crate::entrant::Role;
use crate::race::{Figure, Row};

/// A line for each question. A ratio over 1 is time that is not needed.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| | vhdtree : limit | limit, and vhdtree : others | quickest peer : vhdtree | other peers : vhdtree |\n\
         | --- | --: | --- | --: | --- |\n",
    );
    for row in rows {
        let Some(ours) = row.ours() else {
            continue;
        };
        let limits = by_time(row, Role::Limit);
        let of_limit = match limits.as_slice() {
            [] => ("-".to_owned(), "-".to_owned()),
            [limit, others @ ..] => (
                times(ours, limit),
                limit.name.clone() + &also(ours, limit, others),
            ),
        };
        let mut peers = by_time(row, Role::Peer).into_iter();
        let quickest = peers.next();
        let named = |figure: &Figure| format!("{} {}", figure.name, times(figure, ours));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            row.question,
            of_limit.0,
            of_limit.1,
            quickest.map_or_else(|| "-".to_owned(), |peer| format!("**{}**", named(peer))),
            peers.map(named).collect::<Vec<_>>().join(", "),
        );
    }
    text
}

/// The figures of a role, the least first.
fn by_time(row: &Row, role: Role) -> Vec<&Figure> {
    let of_role = row.figures.iter().filter(|figure| figure.role == role);
    let mut sorted: Vec<&Figure> = of_role.collect();
    sorted.sort_by(|a, b| a.amount.value().total_cmp(&b.amount.value()));
    sorted
}

/// How vhdtree stands to the other limits; of the same work only the number of threads is said.
fn also(ours: &Figure, limit: &Figure, others: &[&Figure]) -> String {
    let work = limit.name.rsplit_once(", ").map_or("", |(work, _)| work);
    let each = others.iter().map(|other| {
        let threads = other.name.strip_prefix(work).filter(|_| !work.is_empty());
        let short = threads.map_or(other.name.as_str(), |it| it.trim_start_matches(", "));
        format!("; {} {short}", times(ours, other))
    });
    each.collect()
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
