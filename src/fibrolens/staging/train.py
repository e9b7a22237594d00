"""Training of the LFS network: one loop that reads top to bottom and can be killed at any step."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool3d, log_softmax, mse_loss

from fibrolens.aside import write_whole
from fibrolens.errors import CohortError, UsageError
from fibrolens.plan import Plan, TrainingPlan, write_plan
from fibrolens.progress import Reporter, Silent
from fibrolens.staging.ahead import drawn_ahead
from fibrolens.staging.by_slices import learn_by_slices
from fibrolens.staging.checkpoint import Checkpoint, made_of
from fibrolens.staging.data import Batch, StagingCase, draw_batch, memberships, prior_shift
from fibrolens.staging.heads import regressed
from fibrolens.staging.network import LFSNetwork, channels_last, fast, new_network
from fibrolens.staging.peers import ALONE, Peers
from fibrolens.staging.positive import learn_by_positives
from fibrolens.staging.shared_norm import share_norms
from fibrolens.staging.stopping import InnerSplit
from fibrolens.tensorfile import save_aside

#: Parts that fill less than this share of the scans count as if they filled it.
RARE = 1e-3
CHECKPOINT, LOG, WEIGHTS = "checkpoint.safetensors", "train_log.jsonl", "weights.safetensors"


class Learner(nn.Module):
    """The network with what only its training needs: linear heads that read the patients' known signs and body parts.

    A spleen's size is easier to learn from where the spleen is than from one number: the head for parts reads from each
    cell of the last convolution how much of it each part fills, and the fully connected layers see sums over cells.

    Args:
        plan: every decision; its seed decides the random weights.
        cases: what to learn from: their stages' frequencies, signs and parts count.
    """

    def __init__(self, plan: Plan, cases: Sequence[StagingCase]) -> None:
        super().__init__()
        self.plan = plan.training
        self.regression = plan.network.head == "regression"
        self.soft = all(case.chances is not None for case in cases)
        signs, shares = _signs(cases, plan.training), _shares(cases, plan.training)
        belonging = memberships([case.stages for case in cases])
        shift = prior_shift(belonging, self.plan.class_balance, self.plan.prior)
        self.shift = torch.from_numpy(shift.astype(np.float32))
        self.network = new_network(plan.network, plan.training.seed)
        learn_by_slices(self.network)
        learn_by_positives(self.network)
        with torch.random.fork_rng():
            torch.manual_seed(plan.training.seed)
            self.signs = nn.Linear(plan.network.hidden, signs) if signs else None
            self.parts = PartsHead(plan.network.channels[-1], shares) if shares.numel() else None
        for name in self.plan.frozen:
            self.network.get_submodule(name).requires_grad_(False)

    def train(self, mode: bool = True) -> Learner:
        """As of every module; frozen layers stay in evaluation, so that their running statistics stay too."""
        super().train(mode)
        for name in self.plan.frozen:
            self.network.get_submodule(name).eval()
        return self

    def loss(self, batch: Batch, step: int) -> Tensor:
        """That of the stages plus the weighted squared errors of signs and parts, each a mean over the batch's rows.

        Dropout depends on seed and step alone; the global generator is handed back.
        """
        cells = self.network.convolved(channels_last(batch.slabs))
        features = self.network.connected(cells)
        logits = self.network.scores(features * self._dropout(features, batch.rows, step), batch.covariates)
        loss = self.stage_loss(logits, batch)
        if self.signs is not None and batch.signs is not None:
            loss = loss + self.plan.signs_weight * mse_loss(self.signs(features), batch.signs)
        if self.parts is not None and batch.parts is not None:
            loss = loss + self.plan.parts_weight * self.parts.loss(cells, batch.parts)
        return loss

    def _dropout(self, features: Float[Tensor, "n hidden"], rows: range, step: int) -> Float[Tensor, "n hidden"]:
        """What dropout multiplies these rows of the batch with; drawn for all rows, whoever has the others."""
        with torch.random.fork_rng():
            torch.manual_seed(self.plan.seed * 1_000_003 + step)
            kept: Tensor = self.network.dropout(features.new_ones((self.plan.batch, features.shape[1])))
        return kept[rows.start : rows.stop]

    def stage_loss(self, logits: Float[Tensor, "n 5"], batch: Batch) -> Float[Tensor, ""]:
        """Minus the logarithm of the probability of what the reference allows; of one stage it is the cross-entropy.

        Smoothed over all stages, or softened to how likely each is given the patient's signs, as the plan says. Of a
        regression it is the squared distance from the nearest stage that the reference allows.
        """
        if self.regression:
            return nearest_error(regressed(logits), batch.allowed)
        scores = log_softmax(logits + self.shift, dim=1)
        loss = -scores.masked_fill(~batch.allowed, -torch.inf).logsumexp(dim=1)
        loss = torch.lerp(loss, -scores.mean(dim=1), self.plan.label_smoothing)
        if self.soft and batch.chances is not None:
            # As often as the stages are drawn here.
            chances = torch.softmax(batch.chances.log() + self.shift, dim=1)
            loss = torch.lerp(loss, -(chances * scores).sum(dim=1), self.plan.soft_stages)
        return loss.mean()


def nearest_error(number: Float[Tensor, " n"], allowed: Bool[Tensor, "n 5"]) -> Float[Tensor, ""]:
    """Mean squared distance of each number from the nearest of its allowed stages."""
    distance = (number[:, None] - torch.arange(allowed.shape[1])).square()
    return distance.masked_fill(~allowed, torch.inf).amin(dim=1).mean()


class PartsHead(nn.Module):
    """A linear reading of how much of each cell each body part fills.

    It begins with the mean of each part everywhere: a random beginning would shake the convolutions for thousands of
    steps, since the optimiser remembers the size of its first gradients.

    Args:
        channels: of the cells' activations.
        shares: how much of the training scans each part fills.
    """

    def __init__(self, channels: int, shares: Float[Tensor, " k"]) -> None:
        super().__init__()
        self.shares = shares
        self.read = nn.Conv3d(channels, len(shares), 1)
        with torch.no_grad():
            self.read.weight.zero_()
            self.read.bias.copy_(shares)  # type: ignore[union-attr]

    def loss(self, cells: Float[Tensor, "n c a b e"], parts: UInt8[Tensor, "n s h w"]) -> Tensor:
        """Squared error by the share of each part, so that small ones count too; mean over the parts."""
        read = self.read(cells)
        numbers = torch.arange(1, len(self.shares) + 1, dtype=torch.uint8)
        present = (parts[:, None] == numbers[:, None, None, None]).float()
        filled = adaptive_avg_pool3d(present, (read.shape[2], read.shape[3], read.shape[4]))
        error = (read - filled).square().mean(dim=(0, 2, 3, 4))
        return (error / self.shares.clamp(min=RARE)).mean()


def train(
    cases: Sequence[StagingCase],
    plan: Plan,
    out: Path,
    initial: Mapping[str, Tensor] | None = None,
    progress: Reporter | None = None,
    inner: Sequence[StagingCase] = (),
    peers: Peers = ALONE,
) -> Path:
    """Train the LFS network; a killed training goes on from its last checkpoint to the same final weights.

    Bit-equal weights need the same cases in the same order, the same plan, and the same number of torch threads and of
    peers.

    Args:
        cases: training scans on the network grid.
        plan: every decision, the seed included.
        out: folder for plan, checkpoint, ``train_log.jsonl`` (loss per step) and the final weights.
        initial: weights to start from (fine-tuning) instead of random ones.
        progress: told after every step.
        inner: scans of other patients for early stopping, where the plan asks for it; nothing is fitted on them.
        peers: processes that share each batch; all are called alike, see the same `out`, and the leading one writes.

    Returns:
        Path of the final ``weights.safetensors``.

    Raises:
        CohortError: there is no case.
        UsageError: there are more peers than slabs in a batch.
        ModelError: `out` holds the checkpoint of another plan, other scans or another start, or a damaged one.
    """
    _require(cases, plan, peers)
    report, training = progress or Silent(), plan.training
    learner = _learner(cases, plan, initial, peers)
    learnt = [p for p in learner.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learnt, lr=training.learning_rate, weight_decay=training.weight_decay)
    average = {name: t.clone() for name, t in learner.network.state_dict().items()} if training.averaging else {}
    watch = InnerSplit(inner, plan, peers)
    kept = Checkpoint(out / CHECKPOINT, made_of(cases, plan, initial, inner), learner, optimiser, average, watch)
    begin = kept.resume()
    if peers.leads:
        _begin(out, plan, begin)
    report.advance(begin)

    draw = partial(draw_batch, cases, plan, rows=peers.rows(training.batch))
    with drawn_ahead(draw, range(begin, training.steps)) as batches:
        for step, batch in enumerate(batches, begin):
            if watch.due(step):
                watch.look(step, learner.network, average or learner.network.state_dict())
            if watch.over:
                report.advance(training.steps - step)
                break
            loss = learn(learner, optimiser, batch, step, peers)
            _follow(average, learner.network, step, training.averaging)
            if peers.leads:
                _log(out / LOG, step, loss, learning_rate(step, training))
                if (step + 1) % training.checkpoint_every == 0 or step + 1 == training.steps:
                    kept.save(step + 1)
            report.advance(1)

    last = average or learner.network.state_dict()
    if watch.due(training.steps) and not watch.over:
        watch.look(training.steps, learner.network, last)
    if peers.leads:
        watch.write(out)
        save_aside(watch.best or last, out / WEIGHTS)
    peers.wait()
    return out / WEIGHTS


def _require(cases: Sequence[StagingCase], plan: Plan, peers: Peers) -> None:
    if not cases:
        raise CohortError("There is no scan to train on; give a cohort with at least one.")
    batch = plan.training.batch
    if peers.size > batch:
        raise UsageError(f"{peers.size} processes cannot share a batch of {batch}; start at most as many.")


def _learner(cases: Sequence[StagingCase], plan: Plan, initial: Mapping[str, Tensor] | None, peers: Peers) -> Learner:
    """The network to begin with, ready to be trained."""
    learner = Learner(plan, cases)
    if initial is not None:
        learner.network.load_state_dict(dict(initial))
    if peers.size > 1:
        share_norms(learner.network)
    fast(learner.network)
    return learner.train()


def _begin(out: Path, plan: Plan, step: int) -> None:
    """Make the folder ready to go on with `step`."""
    out.mkdir(parents=True, exist_ok=True)
    write_plan(plan, out / "plan.json")
    _trim_log(out / LOG, step)


def learn(learner: Learner, optimiser: torch.optim.Optimizer, batch: Batch, step: int, peers: Peers = ALONE) -> float:
    """Learn from a batch, of which this process has some rows; returns the loss of the whole batch."""
    for group in optimiser.param_groups:
        group["lr"] = learning_rate(step, learner.plan)
    # Every loss is a mean over rows, so that shares of the batch add up by their size.
    loss = learner.loss(batch, step) * (len(batch.rows) / learner.plan.batch)
    optimiser.zero_grad()
    torch.autograd.backward(loss)
    total = loss.detach()
    gradients = [p.grad for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
    peers.add_up([*gradients, total])
    optimiser.step()
    return float(total)


def learning_rate(step: int, plan: TrainingPlan) -> float:
    """Linear warm-up, then half a cosine down to zero at the last step."""
    if step < plan.warmup_steps:
        return plan.learning_rate * (step + 1) / plan.warmup_steps
    done = (step - plan.warmup_steps) / max(plan.steps - plan.warmup_steps, 1)
    return plan.learning_rate * 0.5 * (1.0 + math.cos(math.pi * done))


def _signs(cases: Sequence[StagingCase], plan: TrainingPlan) -> int:
    """How many signs there are to learn: none unless every case has them and the plan gives them a weight."""
    known = [len(case.signs) for case in cases if case.signs is not None]
    return known[0] if plan.signs_weight and len(known) == len(cases) else 0


def _shares(cases: Sequence[StagingCase], plan: TrainingPlan) -> Float[Tensor, " k"]:
    """How much of all scans each body part fills; none unless every case has them and the plan gives them a weight."""
    known = [case.parts for case in cases if case.parts is not None]
    if not plan.parts_weight or len(known) < len(cases):
        return torch.empty(0)
    counts = np.zeros(256, np.int64)
    for parts in known:
        counts += np.bincount(parts.ravel(), minlength=256)
    last = int(np.flatnonzero(counts)[-1])
    return torch.from_numpy((counts[1 : last + 1] / counts.sum()).astype(np.float32))


@torch.no_grad()
def _follow(average: dict[str, Tensor], network: LFSNetwork, step: int, decay: float) -> None:
    """Move the running mean towards the network; it begins as a plain mean, so that it soon forgets the start."""
    share = max(1.0 - decay, 1.0 / (step + 1))
    for name, tensor in network.state_dict().items():
        if name in average:
            if tensor.is_floating_point():
                average[name].lerp_(tensor, share)
            else:
                average[name].copy_(tensor)


def _log(path: Path, step: int, loss: float, rate: float) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"step": step, "loss": loss, "learning_rate": rate}) + "\n")


def _trim_log(path: Path, begin: int) -> None:
    """Drop the lines of steps that will be done again; a line cut short by the kill is one of them."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []
    write_whole(path, "".join(lines[:begin]))
