"""What stands below the figures of a study, and in which order they come."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Caption:
    """A figure of the report: the stem of its files, its number, and what is seen in it."""

    name: str
    number: str
    text: str


CAPTIONS = (
    Caption(
        "fig1_flow",
        "Fig. 1",
        "Flowchart of inclusion, with the number of scans and patients at each step, a reason per exclusion, and the "
        "imaging-negative controls in a box of their own.",
    ),
    Caption(
        "fig2_scheme",
        "Fig. 2",
        "Overall scheme. (a) Windowing, resampling and the slab of consecutive axial slices. (b) The LFS network as it "
        "was used here. (c) Location map of the predicted stage. (d) Use of the folds.",
    ),
    Caption(
        "fig3_roc",
        "Fig. 3",
        "ROC curves of the out-of-fold predictions, folds pooled. (a) Significant fibrosis, advanced fibrosis and "
        "cirrhosis. (b) Micro average (every decision of every scan pooled) and macro average (mean of one stage "
        "against the rest). Points: tables/roc_points.csv.",
    ),
    Caption(
        "fig4_maps",
        "Fig. 4",
        "Location maps over axial CT at several levels of the liver, in scans of stages F0 and F4 whose probability of "
        "their own stage is nearest to the median, whether predicted rightly or not. The map shows what drove this "
        "network; it does not show where fibrosis is. What lies outside the body counts in no figure.",
    ),
    Caption(
        "fig5_attention",
        "Fig. 5",
        "Mean weight of the location map in the liver, (a) by predicted stage, as in the paper, and (b) by true stage. "
        "1.0 is an even share of the body. Values: attention.csv.",
    ),
    Caption(
        "confusion",
        "Fig. 6",
        "Confusion matrix of the most probable stage, out of fold. Scans whose reference is a set of stages are not in "
        "it.",
    ),
    Caption(
        "attention_regions",
        "Fig. 7",
        "Mean weight of the location map in every region, by predicted and by true stage. Values: "
        "tables/attention.csv.",
    ),
    Caption(
        "patterns",
        "Fig. 8",
        "How often the focus patterns occur, (a) by predicted and (b) by true stage; stars are the paper's two "
        "frequencies, which three radiologists read. Values: tables/patterns.csv.",
    ),
    Caption(
        "deferral",
        "Fig. 9",
        "(a) How often the conformal stage sets hold the true stage, of all scans and by true stage, at three claims. "
        "(b) Share of the scans that are staged wrongly and (c) AUCs when the least certain scans are left to others. "
        "Values: tables/conformal.csv, tables/deferral.csv.",
    ),
    Caption(
        "calibration",
        "Fig. 10",
        "Calibration of the probabilities of F2 or more, F3 or more and F4, out of fold, folds pooled: how often the "
        "finding is there among scans of like probability, before and after each fold's temperature scaling. The "
        "dashed line is right. Values: tables/calibration_bins.csv.",
    ),
    Caption(
        "decision_curves",
        "Fig. 11",
        "Decision curves, out of fold: net benefit of calling those positive whose probability is at least the "
        "threshold probability, beside calling all and calling none. At a threshold of 20 % a false alarm costs a "
        "quarter of what a scan rightly called gains. Values: tables/decision_curve.csv.",
    ),
    Caption(
        "map_or_marker",
        "Fig. 12",
        "Map or marker? How much of the differences between scans in the network's score, and in the true stage, goes "
        "with each group of measurements (Shapley shares of adjusted R²). Location maps cannot show size. Values: "
        "tables/map_or_marker.csv.",
    ),
    Caption(
        "rivals",
        "Fig. 13",
        "Other systems on the same folds: AUC of each network and marker model, out of fold; random and trained: the "
        "weights that a network began with. What a difference is worth stands in the table. Values: tables/rivals.csv.",
    ),
    Caption(
        "maps_recommended",
        "Fig. 14",
        "The scans of Fig. 4 with the location map that did best in the audit (layer integrated gradients at the "
        "second convolution, of the stage against the far end of the scale): it names the planted place in simulated "
        "patients far more often than Grad-CAM.",
    ),
    Caption(
        "regions_recommended",
        "Fig. 15",
        "Mean weight of the recommended map in every region, by predicted and by true stage. Values: "
        "tables/attention.csv.",
    ),
    Caption(
        "seeds",
        "Fig. 16",
        "Chance of the training: the same folds trained anew with other seeds. (a) AUC of every seed; the red one is "
        "the result of the study. (b) Of every scan, how far its expected stage moves from seed to seed. Values: "
        "tables/seeds.csv, tables/seed_scans.csv.",
    ),
)
