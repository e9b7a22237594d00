"""The end of a study: from what its folds found to tables, figures, report and manifest."""

from __future__ import annotations

import json
import shutil

from fibrolens.begun import RUN
from fibrolens.cohort.demographics import table_one
from fibrolens.csvfile import write_csv
from fibrolens.evaluate.population import Population
from fibrolens.output import write_json, write_manifest
from fibrolens.report.checklists.facts import Facts
from fibrolens.report.checklists.render import write_checklists
from fibrolens.report.model_card import write_model_card
from fibrolens.report.study import write_report
from fibrolens.study.evaluation import collect_tables, evaluate_study
from fibrolens.study.folder import FLOW, Study
from fibrolens.study.pictures import draw_study
from fibrolens.study.rivals import collect_rivals
from fibrolens.study.seeds import collect_seeds
from fibrolens.study.steps import Crew


def complete(study: Study, crew: Crew, population: Population) -> None:
    """Evaluate a study whose folds are done, and write all that it says; its manifest comes last.

    Args:
        study: predicted and explained in every fold.
        crew: who reports and keeps the time.
        population: for whom figures are wanted besides the cohort.
    """
    out = study.out
    run = json.loads((out / RUN).read_text(encoding="utf-8"))
    study.discard("evaluate")
    with crew.progress(4, "evaluating") as report:
        with crew.timed("evaluate"):
            collect_tables(out, len(study.jobs()))
            collect_rivals(study)
            collect_seeds(study)
            seed = study.plan.staging.training.seed
            evaluation = evaluate_study(out, seed, study.facts(), population, study.plan, study.null_bands())
            report.advance(note="figures")
            write_cohort_tables(study)
            draw_study(out, study.rows, study.plan, evaluation)
            report.advance(note="report")
            write_report(out)
            facts = Facts.read(out)
            write_checklists(facts, out)
            write_model_card(facts, out)
            report.advance(note="checksums")
        shutil.rmtree(study.cases, ignore_errors=True)
        seconds = crew.seconds()
        crew.timings.unlink()
        write_manifest(out, run, seconds)
        report.advance()


def write_cohort_tables(study: Study) -> None:
    """Write ``flow.json`` and ``tables/table1.csv``: who is in the study."""
    write_json(study.selection.flow.to_dict(), study.out / FLOW)
    first = table_one(study.rows)
    (study.out / "tables").mkdir(exist_ok=True)
    write_csv(study.out / "tables" / "table1.csv", first.columns, first.rows)
