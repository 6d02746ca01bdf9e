//! The time line: snapshots, reverts with what is gone before each, what became of volumes, and Now. Where a time is only bounded,
//! the line shows the span.

use jiff::Timestamp;

use super::story::MachineStory;
use crate::analysis::evidence::{EvidenceState, Says};
use crate::analysis::witness::guest_clock;
use crate::analysis::{Interval, Reverted, Rule};
use crate::report::page::{Line, Page, PageContext, Role, repository};
use crate::report::row::Now;
use crate::store::containers::repository::time_line;
use crate::store::{Taken, TakenSource};
use crate::text::{escape, many, span};

/// What happened.
struct Event {
    /// Where it stands among the others; `None` comes first.
    at: Option<Timestamp>,
    when: String,
    sign: &'static str,
    role: Role,
    text: String,
    /// What is said in a line of its own before it.
    before: Option<String>,
}

impl Event {
    fn new(
        context: &PageContext<'_>,
        at: Option<Timestamp>,
        (sign, role): (&'static str, Role),
        text: String,
    ) -> Self {
        Self {
            at,
            when: at.map_or_else(String::new, |at| context.style.clock.second(at)),
            sign,
            role,
            text,
            before: None,
        }
    }
}

pub(super) fn write(page: &mut Page, context: &PageContext<'_>, story: &MachineStory<'_>) {
    let mut events = Vec::new();
    for at in &story.snapshots {
        snapshot(context, story, *at, &mut events);
        guest(context, story, *at, &mut events);
    }
    volumes(context, story, &mut events);
    events.sort_by_key(|event| event.at);
    now(context, story, &mut events);
    if events.is_empty() {
        return;
    }
    page.heading("TIME LINE");
    let widest = |event: &Event| event.when.len();
    let width = events.iter().map(widest).filter(|width| *width <= 25).max();
    let width = width.unwrap_or(0);
    let wall = context.style.charset.glyphs().wall;
    for event in events {
        let indent = width + 6;
        if let Some(before) = event.before {
            let line = Line::of(Role::Border, format!("  {:width$}  {wall}  ", ""));
            page.line(&line.with(Role::Warning, before), indent);
        }
        let line = Line::of(Role::Dim, format!("  {:<width$}  ", event.when))
            .with(event.role, format!("{}  ", event.sign))
            .with(Role::Text, event.text);
        page.line(&line, indent);
    }
}

/// When a snapshot was taken, or between which moments.
pub(super) fn when(context: &PageContext<'_>, bounds: Interval, taken: Option<Taken>) -> String {
    let second = |at| context.style.clock.second(at);
    let taken = taken.filter(|taken| taken.source != TakenSource::FrozenWrite);
    match (taken, bounds.not_before, bounds.not_after) {
        (Some(taken), _, _) => second(taken.at),
        (None, Some(first), Some(last)) if first == last => second(first),
        (None, Some(first), Some(last)) => {
            format!("between {} and {}", second(first), second(last))
        }
        (None, Some(first), None) => format!("not before {}", second(first)),
        (None, None, Some(last)) => format!("not after {}", second(last)),
        (None, None, None) => "at an unknown time".to_owned(),
    }
}

/// A moment's place and text, or the text of its span behind the event.
fn placed(
    context: &PageContext<'_>,
    bounds: Interval,
    taken: Option<Taken>,
) -> (Option<Timestamp>, String, String) {
    let text = when(context, bounds, taken);
    let at = taken.map(|taken| taken.at);
    let at = at.or(bounds.not_after).or(bounds.not_before);
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        (at, text, String::new())
    } else {
        (at, String::new(), format!("  ({text})"))
    }
}

fn snapshot(
    context: &PageContext<'_>,
    story: &MachineStory<'_>,
    at: usize,
    events: &mut Vec<Event>,
) {
    let Some(of) = story.snapshot(at) else {
        return;
    };
    let glyphs = context.style.charset.glyphs();
    let name = story.name(at);
    let verdict = &of.verdict;
    let (taken_at, when, aside) = placed(context, verdict.snapshot, of.taken);
    let what = if name.starts_with('"') {
        "snapshot "
    } else {
        ""
    };
    let (sign, text) = ((glyphs.mark, Role::Heading), format!("{what}{name}{aside}"));
    events.push(Event {
        when,
        ..Event::new(context, taken_at, sign, text)
    });
    let how = match verdict.reverted {
        Reverted::Certain => "",
        Reverted::Likely => "  likely: the disk above was made then",
        Reverted::CannotTell => {
            let made = verdict.disk_above.exact();
            let gap = verdict.gap_seconds().filter(|gap| *gap > 300);
            if let Some((at, gap)) = made.zip(gap) {
                let text = format!("off for {} until then, or set back to {name}", span(gap));
                events.push(Event::new(context, Some(at), ("?", Role::Unsure), text));
            }
            return;
        }
        Reverted::NoSign | Reverted::NotReverted => return,
    };
    // Where the older branch is not known, the disk above may have been made before the revert.
    let bounds = match verdict.rule {
        Rule::BranchAgesUnknown => Interval::default(),
        _ => verdict.disk_above,
    };
    let (reverted_at, when, aside) = match verdict.applied_at {
        Some(at) => (Some(at), context.style.clock.second(at), String::new()),
        None => placed(context, bounds, None),
    };
    let gone = match verdict.rule {
        Rule::BranchKept => "the state before is kept as another snapshot".to_owned(),
        // The other branch keeps what was done until its last snapshot.
        Rule::BranchYounger | Rule::BranchAgesUnknown | Rule::ListOrder => {
            let since = reverted_at.and_then(|at| Some((at, last_before(story, taken_at?, at)?)));
            since.map_or_else(
                || {
                    "what came after the other branch's last snapshot is in no file any more"
                        .to_owned()
                },
                |(at, since)| {
                    let gone = in_no_file(at.duration_since(since).as_secs());
                    let is_exact = verdict.applied_at.or(bounds.exact()).is_some();
                    if is_exact {
                        gone
                    } else {
                        format!("at most {gone}")
                    }
                },
            )
        }
        _ => verdict.gap_seconds().filter(|gap| *gap > 0).map_or_else(
            || "what was done in between is in no file any more".to_owned(),
            in_no_file,
        ),
    };
    let (at, sign) = (reverted_at.or(taken_at), (glyphs.reverted, Role::Error));
    let text = format!("set back to {name}{how}{aside}");
    events.push(Event {
        when,
        before: Some(gone),
        ..Event::new(context, at, sign, text)
    });
}

/// What the guest's own clock says of the disk above a snapshot's, from the first time that counts.
fn guest(context: &PageContext<'_>, story: &MachineStory<'_>, at: usize, events: &mut Vec<Event>) {
    let evidence = story.snapshot(at).map(|of| &of.verdict.evidence);
    let of_guest = || {
        let all = evidence.into_iter().flatten();
        all.filter(|fact| guest_clock::is_guests(fact.code))
    };
    let first = of_guest().find_map(|fact| fact.says.as_ref()?.word().1);
    let mut source = of_guest().next().map(|fact| &fact.source);
    for fact in of_guest() {
        let text = match &fact.state {
            EvidenceState::Dropped(why) => format!("{}; it settles nothing: {why}", fact.text),
            EvidenceState::Used | EvidenceState::Missing => fact.text.clone(),
        };
        let role = match fact.says {
            Some(Says::For) => Role::Warning,
            _ => Role::Dim,
        };
        let text = match source.take() {
            Some(source) => format!("{}  ({})", escape(&text), escape(source)),
            None => escape(&text),
        };
        events.push(Event::new(context, first, ("-", role), text));
    }
}

fn in_no_file(seconds: i64) -> String {
    format!("{}: in no file any more", span(seconds))
}

/// When the last snapshot between two moments was taken.
fn last_before(story: &MachineStory<'_>, after: Timestamp, before: Timestamp) -> Option<Timestamp> {
    let taken = |at: &usize| Some(story.snapshot(*at)?.taken?.at);
    let between = story.snapshots.iter().filter_map(taken);
    between.filter(|at| after < *at && *at <= before).max()
}

/// What LVM's own metadata tells of the volumes of these disks, and of those that are gone.
fn volumes(context: &PageContext<'_>, story: &MachineStory<'_>, events: &mut Vec<Event>) {
    for (of, change) in time_line(context.forest, story.family.iter().copied()) {
        let text = repository::change(of, change);
        events.push(Event::new(context, change.at, ("-", Role::Dim), text));
    }
}

/// What the machine stands at now: the last event, whatever the dates of its files.
fn now(context: &PageContext<'_>, story: &MachineStory<'_>, events: &mut Vec<Event>) {
    let glyphs = context.style.charset.glyphs();
    let used = story.leaves.iter();
    for leaf in used.filter(|leaf| matches!(leaf.now(), Now::Known | Now::Alone)) {
        let written = leaf.rows.iter().filter_map(|row| row.cells.modified).max();
        let sum = |value: fn(&crate::report::Row) -> Option<u64>| {
            let values = leaf.rows.iter().filter_map(|row| value(row));
            values.reduce(u64::saturating_add)
        };
        let changed = sum(|row| row.cells.dirty_bytes);
        let blocks = sum(|row| row.cells.blocks);
        let mut text = leaf.now().word().to_owned();
        if let Some((changed, blocks)) = changed.zip(blocks) {
            let state = if leaf.on.is_some() {
                "that state plus "
            } else {
                ""
            };
            let amount = format!("{} in {}", context.size(changed), many(blocks, "block"));
            text = format!("{text}  {state}{amount}");
        }
        if leaf.rows.len() > 1 {
            text = format!("{text} on {}", many(leaf.rows.len() as u64, "disk"));
        }
        let sign = (glyphs.now, Role::Now);
        events.push(Event::new(context, written, sign, text));
    }
}
