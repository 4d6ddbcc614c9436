"""What ``auto`` must reach on photographs, and whether it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cns_core.bench.photos.photo_measures import PairResult

SHARE_OF_BETTER = 0.9
ENOUGH_RIGHT = 30
ENOUGH_PAIRS = 0.95


@dataclass(frozen=True)
class Verdict:
    """One requirement in one mode: in words, and how many of so many pairs meet it."""

    mode: str
    text: str
    pairs: int
    good: int
    met: bool

    def __str__(self) -> str:
        met = "met" if self.met else "missed"
        return f"{self.mode}: {self.text}: {self.good} of {self.pairs} pairs: {met}"


def judge(results: Sequence[PairResult]) -> list[Verdict]:
    """The verdicts of each mode in which sift, xfeat and auto were measured."""
    right = {(r.mode, r.observer, r.picture, r.condition): r.right for r in results}
    verdicts = []
    for mode in dict.fromkeys(r.mode for r in results):
        pairs = [
            (mode, r.picture, r.condition)
            for r in results
            if r.mode == mode and r.observer == "auto"
        ]
        if pairs and all((mode, o, *pairs[0][1:]) in right for o in ("sift", "xfeat")):
            verdicts += _judge_mode(mode, [tuple(rest) for _, *rest in pairs], right)
    return verdicts


def _judge_mode(
    mode: str,
    pairs: Sequence[tuple[str, ...]],
    right: dict[tuple[str, str, str, str], int],
) -> list[Verdict]:
    def of(observer: str, pair: tuple[str, ...]) -> int:
        picture, condition = pair
        return right[mode, observer, picture, condition]

    near = sum(
        of("auto", pair) >= SHARE_OF_BETTER * max(of("sift", pair), of("xfeat", pair))
        for pair in pairs
    )
    enough = sum(of("auto", pair) >= ENOUGH_RIGHT for pair in pairs)
    return [
        Verdict(
            mode,
            "auto at most 10 % below the better of sift and xfeat",
            *(len(pairs), near, near == len(pairs)),
        ),
        Verdict(
            mode,
            "auto with at least 30 right in 95 %",
            *(len(pairs), enough, enough >= ENOUGH_PAIRS * len(pairs)),
        ),
    ]
