"""The result of a run as text, and whether it is good enough."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from typing_extensions import override

from tests.wire.apis import APIS
from tests.wire.bench import Outcome
from tests.wire.normalise import RULES
from tests.wire.run import Result

DECODE_SHARE = 0.99
ENCODE_SHARE = 0.97
"""Of all requests: exceptions are named in the report with their reasons, and count as not passed all the same."""


@dataclass(frozen=True, slots=True)
class Score:
    """Passed of total, both ways."""

    decoded: int
    decodable: int
    encoded: int
    encodable: int

    @property
    def good(self) -> bool:
        """Whether enough passed, of something."""
        return (
            self.decodable > 0
            and self.decoded >= DECODE_SHARE * self.decodable
            and self.encoded >= ENCODE_SHARE * self.encodable
        )

    @override
    def __str__(self) -> str:
        return f"decode {self.decoded}/{self.decodable} encode {self.encoded}/{self.encodable}"


def score(outcomes: Iterable[Outcome]) -> Score:
    """Exceptions count as not passed."""
    outcomes = list(outcomes)
    requests = [outcome for outcome in outcomes if outcome.encode is not None]
    return Score(
        sum(not outcome.decode for outcome in outcomes),
        len(outcomes),
        sum(outcome.encoded for outcome in requests),
        len(requests),
    )


def lines(result: Result) -> Iterator[str]:
    """The whole report; the last line is the score."""
    folder = result.folder
    yield f"seed {result.seed}"
    yield (
        f"{folder.files} files: {len(folder.recordings)} exchanges, {len(folder.unreadable)} unreadable, "
        f"{len(folder.others)} no exchanges ({', '.join(folder.others) or 'none'})"
    )
    yield from (f"unreadable {name}: {why}" for name, why in folder.unreadable)
    yield ""
    yield from _table(result.outcomes)
    yield from _stand_ins(result.outcomes)
    yield from _not_served(result)
    yield from _problems(result.outcomes)
    yield from _normalisations(result.used)
    yield from _beside(result.beside)
    yield from _spec(result)
    yield f"wire: {score(result.outcomes)}"


def _table(outcomes: list[Outcome]) -> Iterator[str]:
    cells: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        cells.setdefault((outcome.recording.provider, outcome.recording.cell), []).append(outcome)
        cells.setdefault((outcome.recording.provider, "all"), []).append(outcome)
    yield f"{'provider':<18}{'modality':<26}{'decode':>10}{'encode':>10}"
    for (provider, cell), found in sorted(cells.items(), key=lambda item: (item[0][0], item[0][1] != "all", item[0])):
        part = score(found)
        decode, encode = f"{part.decoded}/{part.decodable}", f"{part.encoded}/{part.encodable}"
        yield f"{provider if cell == 'all' else '':<18}{cell:<26}{decode:>10}{encode:>10}"
    yield ""


def _stand_ins(outcomes: list[Outcome]) -> Iterator[str]:
    """Which providers the hub has no kind of, and what they were replayed as."""
    kinds = Counter(
        (APIS[outcome.recording.api].kind(outcome.recording), outcome.recording.provider) for outcome in outcomes
    )
    for (kind, provider), count in sorted(kinds.items()):
        if kind != provider:
            yield f"replayed as {kind}: {provider} {count}"


def _not_served(result: Result) -> Iterator[str]:
    counts = Counter((recording.api, recording.provider) for recording in result.not_served)
    yield f"counted but not served yet: {len(result.not_served)}"
    for api in sorted({api for api, _ in counts}):
        providers = ", ".join(f"{name} {count}" for (of, name), count in sorted(counts.items()) if of == api)
        yield f"  {api}: {providers}"
    yield ""


def _problems(outcomes: list[Outcome]) -> Iterator[str]:
    for outcome in sorted(outcomes, key=lambda outcome: outcome.recording.id):
        for problem in outcome.decode:
            yield f"decode {outcome.recording.id}: {problem}"
        for problem in outcome.encode or ():
            yield f"encode {outcome.recording.id}: {problem}"
        for reason in outcome.exceptions:
            yield f"exception {outcome.recording.id}: {reason}"
    yield ""


def _normalisations(used: Counter[str]) -> Iterator[str]:
    yield "normalisations of requests, by how often each was used"
    for rule in RULES:
        yield f"  {used[rule.name]:>5}  {rule.name}: {rule.reason}"
    yield ""


def _beside(used: Counter[str]) -> Iterator[str]:
    yield "fields of providers' own, given in gateway.extra_body_json as the contract says, by number of requests"
    yield from (f"  {count:>5}  {name}" for name, count in sorted(used.items()))
    yield ""


def _spec(result: Result) -> Iterator[str]:
    if not result.spec_asked:
        yield "spec: ../shared/specs/openai-openapi.yaml is not there, so requests were not validated"
        return
    asked = [outcome for outcome in result.outcomes if outcome.spec is not None]
    for outcome in asked:
        for problem in outcome.spec or ():
            yield f"spec {outcome.recording.id}: {problem}"
    valid = sum(outcome.spec == [] for outcome in asked)
    yield f"spec: {valid}/{len(asked)} requests are valid by the published schemas"
