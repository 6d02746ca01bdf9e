//! `plan` and `gate`: what deleting a snapshot would do, and the same as an exit code. The same words in both.

use anyhow::{Context as _, bail};

use super::args::PlanArgs;
use super::exit::Exit;
use super::output::{Form, Output};
use super::session::{ScannedStore, Session};
use crate::analysis::files::lost::{LossExtent, StoreGuestFiles};
use crate::analysis::plan::target::{SnapshotQuery, by_disk, by_name};
use crate::analysis::plan::{
    Accept, Answer, Plan, PlanOptions, StoreTables, Target, add_files, plan,
};
use crate::analysis::reasons;
use crate::report::ShortNames;
use crate::report::json::{ls::head, plan as json};
use crate::report::page::plan as page;
use crate::store::{CountPolicy, DiskId, Product, containers};
use crate::text;

/// Which of the two commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlanCommand {
    /// Show what would happen.
    Plan,
    Gate,
}

pub(super) fn run(
    session: &Session,
    args: &PlanArgs,
    asked: PlanCommand,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    session.forbid_saved()?;
    if args.files && session.scan.no_guest {
        bail!("--files looks into the guest, which --no-guest forbids");
    }
    let is_store = containers::is_store(&args.target).with_context(|| text::path(&args.target))?;
    let mut store = if is_store {
        session.read(std::slice::from_ref(&args.target), CountPolicy::Count, out)?
    } else {
        session.read_around(&[&args.target], &args.store, CountPolicy::Count, out)?
    };
    if session.job.cancel.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    let query = SnapshotQuery {
        snapshot: args.snapshot.as_deref(),
        machine: args.vm.as_deref(),
    };
    let (forest, assessment) = (&store.forest, &store.assessment);
    let target = if is_store {
        by_name(forest, assessment, query).with_context(|| text::path(&args.target))?
    } else {
        by_disk(forest, assessment, store.disk_of(&args.target)?, query)?
    };
    if let Target::Snapshot(at) = target {
        session.settle(&mut store, &[at]);
    }
    let forest = &store.forest;
    let mut plan = make(session, &store, target, args)?;
    // A gate names no files; whoever decides looks at the plan.
    if asked == PlanCommand::Plan && !session.scan.no_guest {
        let extent = if args.files {
            LossExtent::All
        } else {
            LossExtent::Some
        };
        let files = StoreGuestFiles::new(forest, &session.job, extent);
        add_files(&mut plan, forest, &files);
    }
    match out.form {
        Form::Json | Form::Ndjson => {
            let command = match asked {
                PlanCommand::Plan => "plan",
                PlanCommand::Gate => "gate",
            };
            let body = json::body(&store.forest, &store.assessment, &plan);
            out.json(&head(command, &store.forest, body))?;
        }
        Form::Csv | Form::Text => {
            let names = ShortNames::new(&store.forest, &store.assessment, &disks(&plan));
            let context = store.page_context(&names, out);
            let lines = match asked {
                PlanCommand::Plan => page::lines(&context, &plan),
                PlanCommand::Gate => page::answer(&context, &plan),
            };
            out.page(&lines)?;
        }
    }
    Ok(match (asked, plan.answer) {
        (PlanCommand::Plan, _) | (PlanCommand::Gate, Answer::Pass) => Exit::Done,
        (PlanCommand::Gate, Answer::Refuse) => Exit::No,
        (PlanCommand::Gate, Answer::CannotTell) => Exit::CannotTell,
    })
}

fn make(
    session: &Session,
    store: &ScannedStore,
    target: Target,
    args: &PlanArgs,
) -> anyhow::Result<Plan> {
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

/// The disks that the page may name.
fn disks(plan: &Plan) -> Vec<DiskId> {
    (plan.before.iter().chain(&plan.after).flatten())
        .chain(&plan.frozen)
        .chain(&plan.deleted)
        .chain(&plan.breaks)
        .copied()
        .collect()
}
