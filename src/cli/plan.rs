//! `plan` and `gate`: what deleting a snapshot would do, and the same as an exit code. The same words in both.

use std::path::Path;

use anyhow::{Context as _, bail};

use super::args::PlanArgs;
use super::exit::Exit;
use super::info;
use super::output::{Form, Output};
use super::session::{Session, Store};
use crate::analysis::plan::{
    Accept, Answer, Loss, Plan, PlanOptions, Reason, StoreTables, Target, plan,
};
use crate::analysis::reasons;
use crate::report::json::{ls::head, plan as json};
use crate::report::{ShortNames, Style, words};
use crate::store::{CountPolicy, DiskId, Product};
use crate::text::{self, Overlong, escape, wrap_plain};

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
        .with_context(|| text::path(&args.target))?
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
            text::path(&args.target),
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
            bail!("{} is not frozen for such a snapshot", text::path(file))
        }
        [] => Ok(Target::Disk(id)),
        several => {
            let all: Vec<String> = several.iter().map(|at| title(store, *at)).collect();
            bail!(
                "{} is frozen for {} snapshots: {}; choose with --snapshot or --vm",
                text::path(file),
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
    let disks: Vec<DiskId> = (plan.before.iter().chain(&plan.after).flatten())
        .chain(&plan.frozen)
        .chain(&plan.deleted)
        .chain(&plan.breaks)
        .copied()
        .collect();
    let page = Page {
        store,
        plan,
        names: ShortNames::new(&store.forest, &store.assessment, &disks),
        width: out.text_width(),
        style: &out.style,
    };
    let lines = match asked {
        Asked::Plan => page.whole(),
        Asked::Gate => page.answer(),
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

/// Reasons that say what the verdict says.
fn is_of_verdict(reason: &Reason) -> bool {
    reason.code == &reasons::REVERTED || reason.code == &reasons::CANNOT_TELL
}

/// A plan on its way to lines.
struct Page<'a> {
    store: &'a Store,
    plan: &'a Plan,
    names: ShortNames,
    width: usize,
    style: &'a Style,
}

impl Page<'_> {
    /// The short form: the answer, its reasons or what it rests on, what is gone already, the token.
    fn answer(&self) -> Vec<String> {
        let plan = self.plan;
        let mut lines = self.said("");
        for reason in &plan.reasons {
            lines.push(reason_line(reason));
            if !says_all(plan, reason) {
                lines.extend(self.wrapped(&reason.text, "    "));
            }
        }
        let explained = plan.reasons.iter().any(is_of_verdict);
        if let Some(verdict) = plan.verdict.as_ref().filter(|_| !explained) {
            lines.extend(self.wrapped(&verdict.summary, "    "));
        }
        for text in &plan.already_lost {
            lines.push("  already gone, whatever is done now".to_owned());
            lines.extend(self.wrapped(text, "    "));
        }
        lines.push(format!("state token {}", plan.state_token));
        lines
    }

    /// The answer and its sentence.
    fn said(&self, margin: &str) -> Vec<String> {
        let summary = self.plan.summary.as_str();
        let word = word(self.plan.answer);
        let text = match summary.strip_prefix("Cannot tell ") {
            Some(rest) => format!("{word} {rest}"),
            None => format!("{word}: {summary}"),
        };
        self.wrapped(&text, margin)
    }

    fn wrapped(&self, text: &str, margin: &str) -> Vec<String> {
        self.fold(&self.names.put_into(&escape(text)), margin)
    }

    fn fold(&self, escaped: &str, margin: &str) -> Vec<String> {
        wrap_plain(
            escaped,
            self.width.saturating_sub(margin.len()),
            Overlong::Keep,
        )
        .into_iter()
        .map(|line| format!("{margin}{line}"))
        .collect()
    }

    fn section(&self, lines: &mut Vec<String>, name: &str, texts: &[String]) {
        if texts.is_empty() {
            return;
        }
        lines.push(String::new());
        lines.push(format!("  {name}"));
        for text in texts {
            lines.extend(marked(self.wrapped(text, ITEM)));
        }
    }

    /// The whole page: facts first, then the verdict, then what the delete does, then what was not checked.
    fn whole(&self) -> Vec<String> {
        let (store, plan) = (self.store, self.plan);
        let mut lines = self.fold(&heading(store, plan, &self.names, self.style), "");
        lines.push(String::new());
        lines.extend(self.said("  "));
        for reason in &plan.reasons {
            lines.push(format!("  {}", reason_line(reason)));
            // What the verdict says stands below, with its evidence.
            if !is_of_verdict(reason) && !says_all(plan, reason) {
                lines.extend(self.wrapped(&reason.text, "      "));
            }
        }
        self.section(
            &mut lines,
            "Already gone, whatever is done now:",
            &plan.already_lost,
        );
        lines.push(String::new());
        lines.push("  If you delete it:".to_owned());
        lines.extend(self.consequences());
        self.section(&mut lines, "Lost for good by the delete:", &self.losses());
        lines.push(String::new());
        lines.extend(self.chains("BEFORE", &plan.before));
        if plan.after.is_empty() {
            let text = match (plan.deleted.is_empty(), plan.merges.is_empty()) {
                (true, true) => "as before",
                _ => "nothing of this chain is left",
            };
            lines.push(format!("  AFTER   {text}"));
        }
        lines.extend(self.chains("AFTER", &plan.after));
        if !plan.ends_in.is_empty() {
            lines.extend(labelled("ENDS IN", self.wrapped(&plan.ends_in, LABEL)));
        }
        if let Some(of) = plan
            .snapshot
            .and_then(|at| store.assessment.snapshots.get(at))
        {
            lines.push(String::new());
            lines.push("  EVIDENCE".to_owned());
            let put = |text: &str| self.names.put_into(text);
            let form = info::VerdictForm {
                clock: &self.style.clock,
                width: self.width.saturating_sub(2),
                names: &put,
            };
            let mut evidence = Vec::new();
            info::verdict(&store.forest, of, &form, &mut evidence);
            lines.extend(evidence.into_iter().map(|line| format!("  {line}")));
        }
        self.section(&mut lines, "How it goes on:", &plan.engine_notes);
        let settles = plan
            .verdict
            .as_ref()
            .and_then(|of| of.would_settle.as_ref());
        let first: Vec<String> = plan
            .do_first
            .iter()
            .filter(|text| Some(*text) != settles)
            .cloned()
            .collect();
        self.section(&mut lines, "Do first:", &first);
        lines.push(String::new());
        if !plan.not_checked.is_empty() {
            let text = format!("Not checked: {}", words::unchecked(&plan.not_checked));
            lines.extend(self.fold(&text, "  "));
        }
        lines.push(format!("  State token: {}", plan.state_token));
        let last = format!(
            "This program changes nothing. Do it in {} once you are sure.",
            manager(plan.product)
        );
        lines.extend(self.fold(&last, "  "));
        lines
    }

    /// What is lost; of many disks with the same fate only the first by a sentence.
    fn losses(&self) -> Vec<String> {
        let of_branch = |loss: &&Loss| loss.code == &reasons::LOSS_OTHER_BRANCH;
        let branches = self.plan.lost.iter().filter(of_branch).count();
        let mut seen = 0_usize;
        let mut lost = Vec::new();
        for loss in &self.plan.lost {
            if of_branch(&loss) {
                seen += 1;
                if seen == MANY + 1 {
                    lost.push(format!("the same holds for {} more", branches - MANY));
                }
                if seen > MANY {
                    continue;
                }
            }
            lost.push(loss.text.clone());
        }
        lost
    }

    fn chains(&self, name: &str, chains: &[Vec<DiskId>]) -> Vec<String> {
        let forest = &self.store.forest;
        let hidden = chains.len().saturating_sub(MANY);
        let rest = (hidden > 0).then(|| format!("{LABEL}and {hidden} more"));
        chains
            .iter()
            .take(MANY)
            .enumerate()
            .flat_map(|(at, chain)| {
                let text: Vec<String> = chain.iter().map(|id| self.names.of(forest, *id)).collect();
                let lines = self.fold(&text.join(" <- "), LABEL);
                labelled(if at == 0 { name } else { "" }, lines)
            })
            .chain(rest)
            .collect()
    }

    /// What happens to which file, with bytes and space. A merge names its files whole.
    fn consequences(&self) -> Vec<String> {
        let (plan, forest) = (self.plan, &self.store.forest);
        let full = |id: DiskId| {
            forest
                .disk(id)
                .map_or_else(|| "?".to_owned(), |disk| text::file_name(&disk.path))
        };
        let name = |id: DiskId| self.names.of(forest, id);
        let size = |bytes: u64| self.style.units.size(bytes);
        let length = |id: DiskId| size(forest.disk(id).map_or(0, |disk| disk.file.len));
        let mut lines = Vec::new();
        let mut add = |text: String| lines.extend(marked(self.fold(&text, ITEM)));
        for merge in &plan.merges {
            let (from, into) = (full(merge.from), full(merge.into));
            if merge.blocks == 0 {
                add(format!(
                    "{from} is merged into {into}; it holds no block of its own"
                ));
                continue;
            }
            add(format!(
                "{from} is written into {into}: {} in {} (at worst {})",
                size(merge.bytes),
                text::many(merge.blocks, "block"),
                size(merge.bytes_max),
            ));
            let free = match merge.free {
                Some(free) if free < merge.grow_max => {
                    format!("free there: {}, NOT ENOUGH", size(free))
                }
                Some(free) => format!("free there: {}", size(free)),
                None => "the free space there is not known".to_owned(),
            };
            add(if merge.grow_max == 0 {
                format!("{} does not grow", name(merge.into))
            } else {
                format!(
                    "{} may grow by up to {}; {free}",
                    name(merge.into),
                    size(merge.grow_max)
                )
            });
        }
        if plan.merges.is_empty() && plan.deleted.is_empty() {
            add("nothing is merged".to_owned());
        }
        for disk in &plan.deleted {
            add(format!(
                "{} ({}) is deleted, not merged",
                full(*disk),
                length(*disk)
            ));
        }
        for disk in &plan.freed {
            add(format!(
                "{} is removed after the merge, which frees {}",
                name(*disk),
                length(*disk)
            ));
        }
        lines
    }
}

/// Things of one kind that are shown one by one.
const MANY: usize = 5;
/// Margin of an item's text; its mark stands in it.
const ITEM: &str = "      ";
/// Margin of a labelled text; its label stands in it.
const LABEL: &str = "          ";

/// The sentence of the answer already is this reason's.
fn says_all(plan: &Plan, reason: &Reason) -> bool {
    plan.summary.contains(reason.text.trim_end_matches('.'))
}

fn reason_line(reason: &Reason) -> String {
    let accepted = if reason.accepted { "  (accepted)" } else { "" };
    let sign = if reason.answer == Answer::Refuse {
        '!'
    } else {
        '?'
    };
    format!("  {sign} {}{accepted}", reason.code.id)
}

fn marked(mut lines: Vec<String>) -> Vec<String> {
    if let Some(first) = lines.first_mut() {
        first.replace_range(..ITEM.len(), "    - ");
    }
    lines
}

fn labelled(label: &str, mut lines: Vec<String>) -> Vec<String> {
    if let Some(first) = lines.first_mut() {
        first.replace_range(..LABEL.len(), &format!("  {label:<8}"));
    }
    lines
}

fn manager(product: Product) -> &'static str {
    match product {
        Product::HyperV | Product::HyperV2008 => "Hyper-V Manager",
        Product::XcpNg => "your XCP-ng tools",
        Product::VirtualPc => "Virtual PC",
    }
}

fn heading(store: &Store, plan: &Plan, names: &ShortNames, style: &Style) -> String {
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
            let name = names.of(&store.forest, *disk);
            if of.is_some() {
                match plan.product {
                    Product::VirtualPc => format!("the undo disk of {name}"),
                    _ => format!("the unnamed snapshot on {name}"),
                }
            } else {
                name
            }
        }
        (None, None) => "?".to_owned(),
    };
    let mut facts = Vec::new();
    if let Some(taken) = of.and_then(|of| of.taken) {
        facts.push(words::taken(&taken, &style.clock));
    }
    if let Some(machine) = plan.machine.and_then(|id| store.forest.machine(id)) {
        facts.push(format!("VM \"{}\"", escape(&machine.name)));
    }
    facts.push(format!("{} rules", words::product_name(plan.product)));
    let verb = match plan.product {
        Product::VirtualPc => "Commit",
        _ => "Delete",
    };
    format!("{verb} {what} ({})", facts.join(", "))
}
