"""Carries out one case: the migrator's verdict on one side, the witness's on the other, and whether they agree."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from tests.truth.bundle_files import BundleFiles, read_bundle
from tests.truth.cases import Case, FromEmpty, Kill, Tamper, Upgrade
from tests.truth.kill import gate, kill_at_the_gate
from tests.truth.tampering import take_away
from tests.truth.verdict import Verdict
from tests.truth.witness import Comparison
from tests.truth.workshop import Made, Trial, Workshop


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a case."""

    name: str
    server: int
    verdict: str
    witness: str
    agreed: bool
    seconds: float
    why: str | None = None
    """What is wrong, where something is."""

    def record(self) -> dict[str, Any]:
        """Return what build/truth.json holds of it."""
        told = {"name": self.name, "server": self.server, "verdict": self.verdict, "witness": self.witness}
        return (
            told | {"agreed": self.agreed, "seconds": round(self.seconds, 2)} | ({"why": self.why} if self.why else {})
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Both sides."""

    verdict: str
    witness: str
    why: str | None


class NotThereError(Exception):
    """The database has nothing of the kind that was to be taken away."""


def carry_out(case: Case, workshop: Workshop) -> Result | None:
    """Try a case; None where there was nothing to try."""
    begun = time.monotonic()
    try:
        judgement = _judge(case, workshop)
    except NotThereError:
        return None
    except Exception as error:  # noqa: BLE001 - a case that breaks is one that did not agree
        judgement = Judgement(verdict="-", witness="-", why=f"{type(error).__name__}: {error}")
    return Result(
        name=case.name,
        server=case.server,
        verdict=judgement.verdict,
        witness=judgement.witness,
        agreed=judgement.why is None,
        seconds=time.monotonic() - begun,
        why=judgement.why,
    )


def _judge(case: Case, workshop: Workshop) -> Judgement:
    match case:
        case FromEmpty():
            return _from_empty(case, workshop)
        case Upgrade():
            return _upgrade(case, workshop)
        case Kill():
            return _kill(case, workshop)
        case Tamper():
            return _tamper(case, workshop)


def _from_empty(case: FromEmpty, workshop: Workshop) -> Judgement:
    if case.awkward:
        with workshop.trial(awkward=True) as trial:
            return _alone(trial, trial.migrate(case.version), case, workshop)
    made = workshop.migrated(case.version)
    with workshop.trial(made.database) as trial:
        assert made.verdict is not None
        return _alone(trial, made.verdict, case, workshop)


def _alone(trial: Trial, verdict: Verdict, case: FromEmpty, workshop: Workshop) -> Judgement:
    """Judge what a bundle made of an empty database; what is missing there is what the lock calls its gaps."""
    judgement = _made(trial, verdict, workshop.reference(case.version), case.version)
    return replace(judgement, why=judgement.why or otherwise_locked(workshop.bundle(case.version), verdict))


def otherwise_locked(bundle: BundleFiles, verdict: Verdict) -> str | None:
    """Say where the lock calls something a gap that is there, or does not name one."""
    told = [f"bundles/lock.json calls {gap} a gap, and it is there" for gap in sorted(bundle.gaps - verdict.missing)]
    told += [f"bundles/lock.json has no gap {gap}" for gap in sorted(verdict.missing - bundle.gaps)]
    return "; ".join(told) or None


def _upgrade(case: Upgrade, workshop: Workshop) -> Judgement:
    reference = workshop.upgrade_reference(case.old, case.new)
    with workshop.trial(workshop.migrated(case.old).database) as trial:
        return _made(trial, trial.migrate(case.new), reference, case.new)


def _kill(case: Kill, workshop: Workshop) -> Judgement:
    with workshop.trial() as trial:
        with trial.connect() as session, gate(session, case.migration):
            running = trial.place.start(workshop.library, case.version)
            kill_at_the_gate(session, trial.place, running, committed=case.committed)
            row = session.execute(
                "SELECT count(*) FROM _prisma_migrations WHERE migration_name = %s AND finished_at IS NOT NULL",
                [case.migration],
            ).fetchone()
        if row != (int(case.committed),):
            return Judgement(verdict="-", witness="-", why=f"the kill came at another moment: {row}")
        return _made(trial, trial.migrate(case.version), workshop.reference(case.version), case.version)


def _tamper(case: Tamper, workshop: Workshop) -> Judgement:
    reference, bundle = workshop.reference(case.version), workshop.bundle(case.version)
    with workshop.trial(workshop.migrated(case.version).database) as trial:
        with trial.connect() as session:
            taken = take_away(session, case.tampering, seed=f"{case.version} {case.server}")
        if taken is None:
            raise NotThereError
        before = trial.compare(reference, bundle)
        verdict = trial.migrate(case.version)
        after = trial.compare(reference, bundle)
    told = f"{'mended' if after.intact else 'lacked'} {before.told.removeprefix('lacks ')}"
    why = "nothing was taken away" if before.intact else _untold(verdict, after, taken.named)
    return Judgement(verdict=verdict.told, witness=told, why=verdict.contradiction or why)


def _made(trial: Trial, verdict: Verdict, reference: Made, version: str) -> Judgement:
    """Compare a database that the migrator made with the one that psql made."""
    witness = trial.compare(reference, read_bundle(trial.library, version))
    return Judgement(
        verdict=verdict.told, witness=_told(witness, reference), why=_disagreement(verdict, witness, reference)
    )


def _told(witness: Comparison, reference: Made) -> str:
    refused = reference.refused
    return witness.told if refused is None else f"psql: {refused.migration}: {refused.message}"


def _disagreement(verdict: Verdict, witness: Comparison, reference: Made) -> str | None:
    if verdict.contradiction:
        return verdict.contradiction
    if reference.refused is not None:
        same = not verdict.complete and verdict.migration == reference.refused.migration
        return None if same else "psql could not run a file, and the verdict does not name it"
    beyond = "psql's database lacks something that the migrator made" if witness.extra else None
    return _untold(verdict, witness) or beyond


def _untold(verdict: Verdict, witness: Comparison, *taken: str) -> str | None:
    """Say where a verdict is another than the witness's, or does not name what is missing."""
    if verdict.complete != witness.complete:
        return "the verdict is not what the witness saw"
    names = taken if not witness.intact else tuple(gap.named for gap in witness.gaps)
    unnamed = [name for name in names if name not in verdict.told]
    return f"the verdict does not name {', '.join(unnamed)}" if unnamed else None
