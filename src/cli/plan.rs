//! `plan` and `gate`: what deleting a snapshot would do, and the same as an exit code. The same words in both.

use std::path::Path;

use anyhow::{Context as _, bail};

use super::args::PlanArgs;
use super::exit::Exit;
use super::explain::wrap;
use super::info;
use super::output::{Form, Output};
use super::session::{Session, Store};
use crate::analysis::plan::{Accept, Answer, Plan, PlanOptions, StoreTables, Target, plan};
use crate::analysis::reasons;
use crate::format::text::escape;
use crate::report::json::{ls::head, plan as json};
use crate::report::words;
use crate::store::{CountPolicy, DiskId, Product};

/// Which of the two commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Show what would happen.
    Plan,
    /// Answer a script.
    Gate,
}

pub(super) fn run(
    session: &Session,
    args: &PlanArgs,
    asked: Asked,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    session.forbid_saved()?;
    let is_folder = std::fs::metadata(&args.target)
        .with_context(|| words::path_text(&args.target))?
        .is_dir();
    let store = if is_folder {
        session.read(std::slice::from_ref(&args.target), CountPolicy::Count, out)?
    } else {
        session.read_around(&[&args.target], &args.store, CountPolicy::Count, out)?
    };
    if session.job.cancel.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    let target = if is_folder {
        by_name(&store, args)?
    } else {
        by_file(&store, &args.target, args)?
    };
    let plan = make(session, &store, target, args)?;
    match out.form {
        Form::Json | Form::Ndjson => {
            let command = match asked {
                Asked::Plan => "plan",
                Asked::Gate => "gate",
            };
            let body = json::body(&store.forest, &store.assessment, &plan);
            out.json(&head(command, &store.forest, body))?;
        }
        Form::Csv | Form::Text => text(&store, &plan, asked, out)?,
    }
    Ok(match (asked, plan.answer) {
        (Asked::Plan, _) | (Asked::Gate, Answer::Pass) => Exit::Done,
        (Asked::Gate, Answer::Refuse) => Exit::No,
        (Asked::Gate, Answer::CannotTell) => Exit::CannotTell,
    })
}

/// The snapshot of a name or id, and of the machine if one is given.
fn by_name(store: &Store, args: &PlanArgs) -> anyhow::Result<Target> {
    let Some(wanted) = args.snapshot.as_deref() else {
        bail!(
            "{} is a folder: say which snapshot with --snapshot NAME|ID{}",
            words::path_text(&args.target),
            known(store, args)
        );
    };
    let found: Vec<usize> = (0..store.assessment.snapshots.len())
        .filter(|at| is_wanted(store, *at, Some(wanted), args.vm.as_deref()))
        .collect();
    match found.as_slice() {
        [one] => Ok(Target::Snapshot(*one)),
        [] => bail!("no snapshot {wanted:?} in this store{}", known(store, args)),
        several => {
            let all: Vec<String> = several.iter().map(|at| title(store, *at)).collect();
            bail!(
                "{} snapshots are called {wanted:?}: {}; choose with --vm or by id",
                several.len(),
                all.join(", ")
            )
        }
    }
}

/// The snapshot a frozen disk belongs to.
fn by_file(store: &Store, file: &Path, args: &PlanArgs) -> anyhow::Result<Target> {
    let id = store.disk_of(file)?;
    let of_disk = store
        .assessment
        .disk(id)
        .map_or(&[][..], |of| &of.snapshots);
    let found: Vec<usize> = of_disk
        .iter()
        .copied()
        .filter(|at| is_wanted(store, *at, args.snapshot.as_deref(), args.vm.as_deref()))
        .collect();
    match found.as_slice() {
        [one] => Ok(Target::Snapshot(*one)),
        [] if args.snapshot.is_some() || args.vm.is_some() => {
            bail!(
                "{} is not frozen for such a snapshot",
                words::path_text(file)
            )
        }
        [] => Ok(Target::Disk(id)),
        several => {
            let all: Vec<String> = several.iter().map(|at| title(store, *at)).collect();
            bail!(
                "{} is frozen for {} snapshots: {}; choose with --snapshot or --vm",
                words::path_text(file),
                several.len(),
                all.join(", ")
            )
        }
    }
}

fn is_wanted(store: &Store, at: usize, wanted: Option<&str>, vm: Option<&str>) -> bool {
    let Some(of) = store.assessment.snapshots.get(at) else {
        return false;
    };
    let known = of.snapshot.and_then(|id| store.forest.snapshot(id));
    let name = known.and_then(|known| known.name.as_deref());
    let id = known.and_then(|known| known.id.as_deref());
    let plain = |text: &str| text.trim_matches(['{', '}']).to_ascii_lowercase();
    let named = wanted.is_none_or(|wanted| {
        name == Some(wanted) || id.is_some_and(|id| plain(id) == plain(wanted))
    });
    let machine = of.machine.or(known.and_then(|known| known.machine));
    let machine = machine.and_then(|id| Some(store.forest.machine(id)?.name.to_lowercase()));
    named && vm.is_none_or(|vm| machine == Some(vm.to_lowercase()))
}

fn title(store: &Store, at: usize) -> String {
    let of = store.assessment.snapshots.get(at);
    let known = of.and_then(|of| store.forest.snapshot(of.snapshot?));
    let machine = of
        .and_then(|of| of.machine.or(known?.machine))
        .and_then(|id| Some(escape(&store.forest.machine(id)?.name)))
        .map_or_else(String::new, |name| format!(" of {name}"));
    let id = known
        .and_then(|known| known.id.as_deref())
        .unwrap_or("no id");
    let name = known.and_then(|known| known.name.as_deref()).unwrap_or("?");
    format!("\"{}\"{machine} ({})", escape(name), escape(id))
}

/// The snapshots there are, for an answer to a wrong name.
fn known(store: &Store, args: &PlanArgs) -> String {
    let all: Vec<String> = (0..store.assessment.snapshots.len())
        .filter(|at| {
            let named = store
                .assessment
                .snapshots
                .get(*at)
                .is_some_and(|of| of.snapshot.is_some());
            named && is_wanted(store, *at, None, args.vm.as_deref())
        })
        .take(12)
        .map(|at| title(store, at))
        .collect();
    if all.is_empty() {
        "; no configuration or label names any: name the frozen disk, or bring --labels".to_owned()
    } else {
        format!("; there are {}", all.join(", "))
    }
}

fn make(session: &Session, store: &Store, target: Target, args: &PlanArgs) -> anyhow::Result<Plan> {
    let options = PlanOptions {
        product: session.scan.product.map(Product::from),
        accept: args
            .accept
            .iter()
            .map(|text| accept(text))
            .collect::<anyhow::Result<_>>()?,
        expect: args.expect.clone(),
        free: None,
    };
    let tables = StoreTables::new(&store.forest);
    Ok(plan(
        &store.forest,
        &store.assessment,
        target,
        &options,
        &tables,
    )?)
}

fn accept(text: &str) -> anyhow::Result<Accept> {
    let (reason, token) = text
        .split_once(':')
        .with_context(|| format!("--accept {text:?}: REASON:TOKEN is wanted"))?;
    if !reasons::ALL.iter().any(|code| code.id == reason) {
        bail!("--accept {text:?}: there is no reason {reason:?}");
    }
    Ok(Accept {
        reason: reason.to_owned(),
        token: token.to_owned(),
    })
}

fn text(store: &Store, plan: &Plan, asked: Asked, out: &mut Output) -> anyhow::Result<()> {
    let lines = match asked {
        Asked::Plan => page(store, plan, out),
        Asked::Gate => answer(plan),
    };
    out.lines(lines)?;
    Ok(())
}

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Pass => "PASS",
        Answer::Refuse => "REFUSE",
        Answer::CannotTell => "CANNOT TELL",
    }
}

/// The short form: the answer, its reasons, the token.
fn answer(plan: &Plan) -> Vec<String> {
    let mut lines = said(plan, "");
    lines.extend(reason_lines(plan));
    lines.push(format!("state token {}", plan.state_token));
    lines
}

/// The answer and its sentence.
fn said(plan: &Plan, margin: &str) -> Vec<String> {
    indented(&format!("{}  {}", word(plan.answer), plan.summary), margin)
}

fn reason_lines(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for reason in &plan.reasons {
        let accepted = if reason.accepted { "  (accepted)" } else { "" };
        let sign = if reason.answer == Answer::Refuse {
            '!'
        } else {
            '?'
        };
        lines.push(format!("  {sign} {}{accepted}", reason.code.id));
        // The summary mostly is the first reason's sentence; once is enough.
        if !plan.summary.contains(&reason.text) {
            lines.extend(indented(&reason.text, "    "));
        }
    }
    lines
}

fn indented(text: &str, margin: &str) -> Vec<String> {
    let width = 96_usize.saturating_sub(margin.len());
    wrap(&escape(text), width)
        .into_iter()
        .map(|line| format!("{margin}{line}"))
        .collect()
}

fn item(text: &str) -> Vec<String> {
    let mut lines = indented(text, "      ");
    if let Some(first) = lines.first_mut() {
        first.replace_range(..6, "    - ");
    }
    lines
}

/// The whole page: facts first, then the verdict, then what the delete does, then what was not checked.
fn page(store: &Store, plan: &Plan, out: &Output) -> Vec<String> {
    let mut lines = vec![heading(store, plan, out)];
    lines.push(String::new());
    lines.extend(said(plan, "  "));
    lines.extend(reason_lines(plan));
    let section = |lines: &mut Vec<String>, name: &str, texts: &[String]| {
        if !texts.is_empty() {
            lines.push(String::new());
            lines.push(format!("  {name}"));
            lines.extend(texts.iter().flat_map(|text| item(text)));
        }
    };
    section(
        &mut lines,
        "Already gone, whatever is done now:",
        &plan.already_lost,
    );
    section(
        &mut lines,
        "If you delete it:",
        &consequences(store, plan, out),
    );
    let lost: Vec<String> = plan.lost.iter().map(|loss| loss.text.clone()).collect();
    section(&mut lines, "Lost for good by the delete:", &lost);
    lines.push(String::new());
    let chains = |chains: &[Vec<DiskId>]| -> Vec<String> {
        let name = |id: &DiskId| {
            store
                .forest
                .disk(*id)
                .map_or_else(|| "?".to_owned(), |disk| words::file_name(&disk.path))
        };
        chains
            .iter()
            .map(|chain| chain.iter().map(name).collect::<Vec<_>>().join(" <- "))
            .collect()
    };
    for (name, all) in [("BEFORE", &plan.before), ("AFTER", &plan.after)] {
        for (at, chain) in chains(all).into_iter().enumerate() {
            lines.push(format!("  {:<8}{chain}", if at == 0 { name } else { "" }));
        }
    }
    if !plan.ends_in.is_empty() {
        let mut ends = indented(&plan.ends_in, "          ");
        if let Some(first) = ends.first_mut() {
            first.replace_range(..10, "  ENDS IN ");
        }
        lines.extend(ends);
    }
    if let Some(of) = plan
        .snapshot
        .and_then(|at| store.assessment.snapshots.get(at))
    {
        lines.push(String::new());
        lines.push("  EVIDENCE".to_owned());
        let mut evidence = Vec::new();
        info::verdict(&store.forest, of, &out.style.clock, &mut evidence);
        lines.extend(evidence.into_iter().map(|line| format!("  {line}")));
    }
    section(&mut lines, "How it goes on:", &plan.engine_notes);
    section(&mut lines, "Do first:", &plan.do_first);
    lines.push(String::new());
    if !plan.not_checked.is_empty() {
        lines.push(format!("  Not checked: {}", plan.not_checked.join(", ")));
    }
    lines.push(format!("  State token: {}", plan.state_token));
    lines.push(format!(
        "  This program changes nothing. Do it in {} once you are sure.",
        manager(plan.product)
    ));
    lines
}

fn manager(product: Product) -> &'static str {
    match product {
        Product::HyperV | Product::HyperV2008 => "Hyper-V Manager",
        Product::XcpNg => "your XCP-ng tools",
        Product::VirtualPc => "Virtual PC",
    }
}

fn heading(store: &Store, plan: &Plan, out: &Output) -> String {
    let of = plan
        .snapshot
        .and_then(|at| store.assessment.snapshots.get(at));
    let known = of.and_then(|of| store.forest.snapshot(of.snapshot?));
    let what = match (
        known.and_then(|known| known.name.as_deref()),
        plan.frozen.first(),
    ) {
        (Some(name), _) => format!("snapshot \"{}\"", escape(name)),
        (None, Some(disk)) => {
            let name = store
                .forest
                .disk(*disk)
                .map(|disk| words::file_name(&disk.path));
            let what = if of.is_some() { "the snapshot of" } else { "" };
            format!("{what} {}", name.unwrap_or_default())
                .trim()
                .to_owned()
        }
        (None, None) => "?".to_owned(),
    };
    let mut facts = Vec::new();
    if let Some(taken) = of.and_then(|of| of.taken) {
        facts.push(format!("taken {}", out.style.clock.second(taken.at)));
    }
    if let Some(machine) = plan.machine.and_then(|id| store.forest.machine(id)) {
        facts.push(format!("VM \"{}\"", escape(&machine.name)));
    }
    facts.push(format!("{} rules", words::product_name(plan.product)));
    format!("Delete {what}   ({})", facts.join(", "))
}

/// What happens to which file, with bytes and space.
fn consequences(store: &Store, plan: &Plan, out: &Output) -> Vec<String> {
    let name = |id: DiskId| {
        store
            .forest
            .disk(id)
            .map_or_else(|| "?".to_owned(), |disk| words::file_name(&disk.path))
    };
    let size = |bytes: u64| out.style.units.size(bytes);
    let mut lines = Vec::new();
    for merge in &plan.merges {
        lines.push(format!(
            "{} is written into {}: {} in {} blocks (at worst {}); {0} then goes",
            name(merge.from),
            name(merge.into),
            size(merge.bytes),
            crate::report::units::count(merge.blocks),
            size(merge.bytes_max),
        ));
        let free = match merge.free {
            Some(free) if free < merge.grow_max => {
                format!("free there: {}, NOT ENOUGH", size(free))
            }
            Some(free) => format!("free there: {}", size(free)),
            None => "the free space there is not known".to_owned(),
        };
        lines.push(format!(
            "{} may grow by up to {}; {free}",
            name(merge.into),
            size(merge.grow_max)
        ));
    }
    if plan.merges.is_empty() {
        lines.push("nothing is merged".to_owned());
    }
    for disk in &plan.deleted {
        lines.push(format!("{} is deleted, not merged", name(*disk)));
    }
    for disk in &plan.freed {
        let bytes = store.forest.disk(*disk).map_or(0, |disk| disk.file.len);
        lines.push(format!("{} is freed, {}", name(*disk), size(bytes)));
    }
    for disk in &plan.breaks {
        lines.push(format!(
            "{} BREAKS: its parent changes below it",
            name(*disk)
        ));
    }
    lines
}
