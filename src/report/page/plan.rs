//! What deleting a snapshot would do. First the answer, what is gone already, what the delete loses and what it breaks; then
//! which file goes into which, how the engine goes about it, and what was not checked. No sentence stands there twice.

use crate::analysis::files::noise::is_noise;
use crate::analysis::plan::{Answer, FreeSource, Loss, LostFiles, Merge, Plan, Reason};
use crate::analysis::snapshot_vdi::vdi_of_snapshot;
use crate::analysis::{Reverted, reasons};
use crate::report::copied;
use crate::report::files::{sign, time_words};
use crate::report::page::{Line, Page, PageContext, Role, verdict};
use crate::report::words;
use crate::store::{Disk, DiskId};
use crate::text::{self, count, escape, many};

/// Things of one kind that are shown one by one.
const MANY: usize = 5;

/// Nothing is merged by the plan, as it is not known what the machine uses.
fn is_open(plan: &Plan) -> bool {
    let open = [&reasons::NO_NOW, &reasons::NOW_UNREADABLE];
    let rests_on_use = plan.reasons.iter().any(|of| open.contains(&of.code));
    rests_on_use && plan.merges.is_empty() && plan.deleted.is_empty()
}

/// The whole page.
pub fn lines(context: &PageContext<'_>, plan: &Plan) -> Vec<Line> {
    let mut page = Writer::new(context, plan);
    let heading = heading(context, plan);
    page.page.heading(heading);
    page.copied();
    page.answer();
    page.losses();
    page.consequences();
    page.chains("BEFORE", &plan.before);
    if is_open(plan) {
        page.page.labelled("AFTER", Role::Text, "not known");
    } else if plan.after.is_empty() {
        let text = match (plan.deleted.is_empty(), plan.merges.is_empty()) {
            (true, true) => "as before",
            _ => "nothing of this chain is left",
        };
        page.page.labelled("AFTER", Role::Text, text);
    }
    if !is_open(plan) {
        page.chains("AFTER", &plan.after);
    }
    if !plan.ends_in.is_empty() {
        let text = context.sentence(&plan.ends_in);
        page.page.labelled("ENDS IN", Role::Text, text);
    }
    page.evidence();
    page.list(
        "HOW THE ENGINE GOES ABOUT IT",
        Role::Text,
        &plan.engine_notes,
    );
    page.list("DO FIRST", Role::Text, &plan.do_first);
    page.end();
    page.page.into_lines()
}

/// The answer alone: its reasons or what it rests on, what is gone already, the token.
pub fn answer(context: &PageContext<'_>, plan: &Plan) -> Vec<Line> {
    let mut page = Writer::new(context, plan);
    page.copied();
    page.answer();
    if let Some(verdict) = &plan.verdict
        && verdict.reverted > Reverted::Likely
        && page.is_new(&verdict.summary)
    {
        let text = context.sentence(&verdict.summary);
        page.page.text(Role::Text, 5, text);
        if let Some(settle) = &verdict.would_settle {
            let text = context.sentence(settle);
            page.page.text(Role::Unsure, 5, text);
        }
    }
    page.list(GONE, Role::Warning, &plan.already_lost);
    page.token();
    page.page.into_lines()
}

const GONE: &str = "GONE ALREADY, whatever is done now";

/// The guest's files that go with a loss.
fn lost_lines(context: &PageContext<'_>, files: &LostFiles) -> Vec<Line> {
    let indent = |depth: usize| Line::of(Role::Text, " ".repeat(depth));
    let mut parts = Vec::new();
    if files.created > 0 {
        parts.push(format!(
            "{} that {} nowhere else",
            many(files.created, "file"),
            if files.created == 1 { "is" } else { "are" }
        ));
    }
    if files.modified > 0 {
        parts.push(many(files.modified, "other version"));
    }
    let mut lines = Vec::new();
    if !parts.is_empty() {
        let text = format!(
            "with it: {} ({})",
            parts.join(", "),
            context.size(files.bytes)
        );
        lines.push(indent(5).with(Role::Text, text));
    }
    if files.noise > 0 {
        let text = format!(
            "{}{} of the system itself: page files, logs, caches",
            if parts.is_empty() {
                "with it: "
            } else {
                "and "
            },
            many(files.noise, "file")
        );
        lines.push(indent(5).with(Role::Dim, text));
    }
    for change in &files.first {
        let path = escape(change.path.as_deref().unwrap_or(""));
        let version = change.after.or(change.before);
        let size = version.and_then(|version| version.bytes);
        let size = size.map(|bytes| format!("{} B", count(bytes)));
        let time = version.and_then(|version| version.modified);
        let time = time.map(|at| time_words(at, &context.style.clock));
        let facts: Vec<String> = [size, time].into_iter().flatten().collect();
        let role = if is_noise(change) {
            Role::Dim
        } else {
            Role::Error
        };
        let line = indent(7).with(role, format!("{} {path}", sign(change.kind)));
        lines.push(line.with(Role::Dim, format!("  {}", facts.join(", "))));
    }
    let own = files.created.saturating_add(files.modified);
    let all = own.saturating_add(files.noise);
    let more = all.saturating_sub(files.first.len() as u64);
    if more > 0 {
        let text = format!("and {more} more (--files names all)");
        lines.push(indent(7).with(Role::Dim, text));
    }
    if !files.complete {
        let (role, text) = if files.cut {
            let text = "not all of the guest's files were looked at (--files looks at all)";
            (Role::Unsure, text)
        } else if files.no_file_system {
            let text = "no file system was found in the disk, so no files can be named";
            (Role::Dim, text)
        } else {
            (Role::Unsure, "not all of the guest's files can be read")
        };
        lines.push(indent(5).with(role, text));
    }
    lines
}

/// The word of an answer with its sign, as it is shown.
pub fn answer_word(answer: Answer) -> (&'static str, Role) {
    match answer {
        Answer::Pass => ("PASS", Role::Ok),
        Answer::Refuse => ("! REFUSE", Role::Error),
        Answer::CannotTell => ("? CANNOT TELL", Role::Unsure),
    }
}

/// A plan on its way to a page.
struct Writer<'a> {
    context: &'a PageContext<'a>,
    plan: &'a Plan,
    page: Page,
    /// Sentences that stand on the page.
    said: Vec<&'a str>,
}

impl<'a> Writer<'a> {
    fn new(context: &'a PageContext<'a>, plan: &'a Plan) -> Self {
        Self {
            context,
            plan,
            page: context.page(),
            said: Vec::new(),
        }
    }

    /// A store that was copied without dates says so before anything else.
    fn copied(&mut self) {
        let context = self.context;
        let of = self.plan.snapshot;
        let of = of.and_then(|at| context.assessment.snapshots.get(at));
        let clock = &context.style.clock;
        let said = of.and_then(|of| copied::sentence(context.forest, of, clock));
        if let Some(said) = said {
            let line = Line::of(Role::Unsure, " ? ").with(Role::Text, said);
            self.page.line(&line, 2);
        }
    }

    /// True the first time a sentence is to be said.
    fn is_new(&mut self, text: &'a str) -> bool {
        let bare = text.trim_end_matches('.');
        if self.said.iter().any(|said| said.contains(bare)) {
            return false;
        }
        self.said.push(text);
        true
    }

    fn list(&mut self, name: &str, role: Role, texts: &'a [String]) {
        let mut new = texts
            .iter()
            .filter(|text| self.is_new(text))
            .collect::<Vec<_>>()
            .into_iter()
            .peekable();
        if new.peek().is_some() {
            self.page.heading(name);
        }
        for text in new {
            self.page.item(role, self.context.sentence(text));
        }
    }

    /// The answer and its sentence, then each reason; what the sentence says already is not said again.
    fn answer(&mut self) {
        let (context, plan) = (self.context, self.plan);
        let (word, role) = answer_word(plan.answer);
        let summary = context.sentence(&plan.summary);
        let summary = summary.strip_prefix("Cannot tell ").unwrap_or(&summary);
        let line = Line::of(role, format!(" {word}  ")).with(Role::Text, summary);
        self.page.line(&line, 2);
        self.said.push(&plan.summary);
        for reason in &plan.reasons {
            self.reason(reason);
        }
    }

    fn reason(&mut self, reason: &'a Reason) {
        let (sign, role) = match (reason.accepted, reason.answer) {
            (true, _) => ("accepted: ", Role::Dim),
            (false, Answer::Refuse) => ("! ", Role::Error),
            (false, Answer::CannotTell | Answer::Pass) => ("? ", Role::Unsure),
        };
        let mut line = Line::of(role, format!("   {sign}{}", reason.code.id));
        // What the verdict says stands below, with what was lost and with its evidence.
        let is_of_verdict =
            reason.code == &reasons::REVERTED || reason.code == &reasons::CANNOT_TELL;
        if !is_of_verdict && self.is_new(&reason.text) {
            line.push(
                Role::Text,
                format!(": {}", self.context.sentence(&reason.text)),
            );
        }
        self.page.line(&line, 5);
    }

    /// What is gone already, what the delete loses, what it breaks.
    fn losses(&mut self) {
        let plan = self.plan;
        self.list(GONE, Role::Warning, &plan.already_lost);
        let is_branch = |loss: &&Loss| loss.code == &reasons::LOSS_OTHER_BRANCH;
        let own: Vec<&Loss> = plan.lost.iter().filter(|loss| !is_branch(loss)).collect();
        self.some("THE DELETE LOSES", &own);
        let broken: Vec<&Loss> = plan.lost.iter().filter(is_branch).collect();
        self.some("BREAKS", &broken);
    }

    /// A few losses of many.
    fn some(&mut self, name: &str, losses: &[&'a Loss]) {
        if !losses.is_empty() {
            self.page.heading(name);
        }
        for loss in losses.iter().take(MANY) {
            self.said.push(&loss.text);
            let text = self.exact(loss);
            self.page.item(Role::Error, text);
            for line in loss
                .files
                .iter()
                .flat_map(|files| lost_lines(self.context, files))
            {
                self.page.line(&line, 9);
            }
        }
        if let Some(more) = losses.len().checked_sub(MANY).filter(|more| *more > 0) {
            let text = format!("the same holds for {more} more");
            self.page.item(Role::Text, text);
        }
    }

    /// The sentence of a loss, with exact bytes where those are wanted.
    fn exact(&self, loss: &Loss) -> String {
        let context = self.context;
        let held = loss.disk.and_then(|id| context.forest.disk(id));
        let held = held.and_then(Disk::dirty_bytes);
        let mut text = context.sentence(&loss.text);
        for bytes in loss.bytes.into_iter().chain(held) {
            text = text.replace(&text::size(bytes), &context.size(bytes));
        }
        text
    }

    /// What happens to which file, with bytes and space. A merge names its files whole.
    fn consequences(&mut self) {
        let (context, plan) = (self.context, self.plan);
        self.page.heading("IF YOU DELETE IT");
        for merge in &plan.merges {
            self.merge(merge);
        }
        if plan.merges.is_empty() && plan.deleted.is_empty() {
            let text = if is_open(plan) {
                "which file is merged into which is not known"
            } else {
                "nothing is merged"
            };
            self.page.item(Role::Text, text);
        }
        for disk in &plan.deleted {
            let (name, length) = (context.whole_name(*disk), context.length(*disk));
            let text = format!("{name} ({length}) is deleted, not merged");
            self.page.item(Role::Text, text);
        }
        for merge in &plan.merges {
            let freed = context.length(merge.from);
            let text = if merge.survivor == merge.into {
                let name = context.name(merge.from);
                format!("{name} is removed after the merge, which frees {freed}")
            } else {
                let (from, into) = (
                    context.whole_name(merge.from),
                    context.whole_name(merge.into),
                );
                format!(
                    "{into} takes the name {from} after the merge; the old content of that name goes, which frees {freed}"
                )
            };
            self.page.item(Role::Text, text);
        }
    }

    fn merge(&mut self, merge: &Merge) {
        let context = self.context;
        let (from, into) = (
            context.whole_name(merge.from),
            context.whole_name(merge.into),
        );
        let text = match (merge.bytes, merge.blocks) {
            (_, Some(0)) => {
                let text = format!("{from} is merged into {into}; it holds no block of its own");
                self.page.item(Role::Text, text);
                return;
            }
            (Some(bytes), Some(blocks)) => format!(
                "{from} is written into {into}: {} in {} (at worst {})",
                context.size(bytes),
                many(blocks, "block"),
                context.size(merge.bytes_max),
            ),
            _ => format!(
                "{from} is written into {into}: at most {}; it could not be opened, so its blocks are not counted",
                context.size(merge.bytes_max),
            ),
        };
        self.page.item(Role::Text, text);
        let name = context.name(merge.into);
        if !merge.is_possible {
            let text = "the merge is refused, for the two have different sizes";
            self.page.item(Role::Error, text);
            return;
        }
        if let Some(to) = merge.enlarge_to {
            let text = format!("{name} is first enlarged to {}", context.size(to));
            self.page.item(Role::Text, text);
        }
        if merge.grow_max == 0 {
            self.page.item(Role::Text, format!("{name} does not grow"));
            return;
        }
        let label = merge.free_source.map_or("free", FreeSource::label);
        let (free, role) = match merge.free {
            Some(free) if free < merge.grow_max => (
                format!("{label}: {}, NOT ENOUGH", context.size(free)),
                Role::Error,
            ),
            Some(free) => (format!("{label}: {}", context.size(free)), Role::Text),
            None => ("the free space there is not known".to_owned(), Role::Unsure),
        };
        let grow = context.size(merge.grow_max);
        self.page
            .item(role, format!("{name} may grow by up to {grow}; {free}"));
    }

    fn chains(&mut self, name: &str, chains: &[Vec<DiskId>]) {
        for (at, chain) in chains.iter().take(MANY).enumerate() {
            let names: Vec<String> = chain.iter().map(|id| self.context.name(*id)).collect();
            let name = if at == 0 { name } else { "" };
            self.page.labelled(name, Role::Text, names.join(" <- "));
        }
        if let Some(more) = chains.len().checked_sub(MANY).filter(|more| *more > 0) {
            self.page
                .labelled("", Role::Dim, format!("and {more} more"));
        }
    }

    fn evidence(&mut self) {
        let (context, plan) = (self.context, self.plan);
        let Some(of) = &plan.verdict else { return };
        let mut line = Line::of(Role::Heading, " EVIDENCE  ");
        let word = words::reverted(of.reverted);
        line.push(verdict::role(of.reverted), word);
        let taken = plan
            .snapshot
            .and_then(|at| context.assessment.snapshots.get(at))
            .map(|of| verdict::snapshot(context, of));
        if let Some((snapshot, taken)) = taken {
            line.push(Role::Dim, format!("  {snapshot}, {taken}"));
        }
        self.page.line(&line, 2);
        if self.is_new(&of.summary) {
            let summary = context.sentence(&of.summary);
            self.page.text(Role::Text, 2, summary);
        }
        if let Some(settle) = of
            .would_settle
            .as_ref()
            .filter(|settle| self.is_new(settle))
        {
            self.page.text(Role::Text, 2, context.sentence(settle));
        }
        verdict::evidence(&mut self.page, context, of);
    }

    fn end(&mut self) {
        if !self.plan.not_checked.is_empty() {
            self.page.heading("NOT CHECKED");
            let questions = words::unchecked(&self.plan.not_checked);
            self.page.text(Role::Unsure, 3, questions);
        }
        self.page.blank();
        let manager = self.plan.product.rules().manager;
        self.page.text(
            Role::Dim,
            1,
            format!("vhdtree never changes a disk. Delete it in {manager} once you are sure."),
        );
        self.token();
    }

    fn token(&mut self) {
        let token = format!("state token {}", self.plan.state_token);
        self.page.text(Role::Dim, 1, token);
    }
}

/// What would be deleted, of which machine, since when there, and by whose rules.
fn heading(context: &PageContext<'_>, plan: &Plan) -> String {
    let (forest, product) = (context.forest, plan.product.rules());
    let of = plan
        .snapshot
        .and_then(|at| context.assessment.snapshots.get(at));
    let known = of.and_then(|of| forest.snapshot(of.snapshot?));
    let name = known.and_then(|known| known.name.as_deref());
    let what = match (name, plan.frozen.first()) {
        (Some(name), _) => format!("snapshot \"{}\"", escape(name)),
        (None, Some(disk)) => {
            let name = context.name(*disk);
            match of.map(|of| vdi_of_snapshot(forest, context.assessment, of)) {
                None => name,
                Some(Some(vdi)) => format!("the snapshot {}", context.whole_name(vdi)),
                Some(None) => format!("{} {name}", product.unnamed),
            }
        }
        (None, None) => "?".to_owned(),
    };
    let taken = of.and_then(|of| of.taken);
    let taken = taken.map(|taken| words::taken(&taken, &context.style.clock));
    let machine = plan.machine.and_then(|id| forest.machine(id));
    let machine = machine.map(|machine| format!("VM \"{}\"", escape(&machine.name)));
    let rules = Some(format!("{} rules", product.name));
    let facts: Vec<String> = [taken, machine, rules].into_iter().flatten().collect();
    format!("{} {what} ({})", product.verb.0, facts.join(", "))
}
