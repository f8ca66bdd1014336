"""Scores what a redaction engine would take out of labelled texts against what is to be taken out.

In: samples (a text, spans to redact, look-alikes that must stay) and for each the spans that an engine found. Out: counts, and the
misses and false alarms behind them. All positions are code points here.

- A labelled span is *found* when at least 90 % of its characters are covered by predicted spans: recall is the share found.
- *Precision* is the share of predicted spans that overlap a labelled span; what they cover beside it is told apart, as *excess*.
- A look-alike is *hit* when a predicted span overlaps it.
"""
import gzip
import json
import os
from bisect import bisect_right
from collections import Counter, defaultdict
from pathlib import Path

COVERED = 0.9
# Their digits pass one check digit, and nothing else tells them: a tenth of all numbers of that length does.
ONE_CHECK = {
    "AU_MEDICARE", "AU_TFN", "BE_NRN", "CA_SIN", "CZ_RC", "DE_STEUER_ID", "DK_CPR", "GR_AMKA", "HU_TAJ", "IE_PPS", "IL_ID", "LV_PK", "NL_BSN",
    "NO_FNR", "NZ_IRD", "PL_NIP", "PL_PESEL", "PT_NIF", "SE_PERSONNUMMER", "UK_NHS", "UK_UTR", "US_ABA", "US_NPI", "US_EIN", "IT_PIVA", "EE_IK", "BG_EGN",
}  # fmt: skip
BY_DICTIONARY = {"PERSON", "ADDRESS"}


class Predicted:
    """A span that an engine would redact, and the rule that says so."""

    def __init__(self, start, end, rule):
        self.start, self.end, self.rule = start, end, rule


class Label:
    """A span that is to be redacted, in its sample, and what became of it."""

    def __init__(self, sample, span):
        self.sample, self.span = sample, span
        self.type, self.kind, self.encoding = span["type"], span["kind"], span["enc"]
        self.has_key = span["ctx"]
        self.media_type = sample["content_type"]
        self.covered, self.touching = 0.0, []

    @property
    def found(self):
        return self.covered >= COVERED

    @property
    def is_apart(self):
        """Without a key nobody can be sure of it: a name, an address, or a bare number with one check digit."""
        if self.has_key or self.kind != "pii":
            return False
        digits = self.span["value"].strip()
        return self.type in BY_DICTIONARY or (self.type in ONE_CHECK and digits.isdigit() and 9 <= len(digits) <= 11)


def samples_of(path):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def default_samples():
    """The labelled sample in the folder that REENACT_CORPUS names, if there is one."""
    folder = os.environ.get("REENACT_CORPUS")
    path = Path(folder) / "pii-dev.jsonl.gz" if folder else None
    return path if path and path.exists() else None


def in_code_points(text, spans):
    """Spans in bytes of UTF-8 as spans in code points."""
    if not spans or text.isascii():
        return spans
    starts, at = [], 0
    for character in text:
        starts.append(at)
        at += len(character.encode())
    # A span that ends within a character covers it.
    place = lambda byte: bisect_right(starts, byte) - 1 if byte < at else len(starts)
    return [Predicted(place(span.start), place(span.end - 1) + 1, span.rule) for span in spans]


class Score:
    """What an engine's spans are worth."""

    def __init__(self, samples, predictions):
        self.labels, self.lookalikes, self.alarms = [], defaultdict(lambda: [0, 0]), []
        self.rules = defaultdict(lambda: [0, 0])
        self.excess, self.beside = 0, 0
        for sample, predicted in zip(samples, predictions, strict=True):
            self._add(sample, merged(predicted))
        self.types = types_of_rules(self.labels)

    def _add(self, sample, predicted):
        labels = [Label(sample, span) for span in sample["spans"]]
        marked, redacted = bytearray(len(sample["text"])), bytearray(len(sample["text"]))
        for span in sample["spans"]:
            marked[span["start"] : span["end"]] = b"\1" * (span["end"] - span["start"])
        for span in predicted:
            redacted[span.start : span.end] = b"\1" * len(redacted[span.start : span.end])
            right = any(marked[span.start : span.end])
            self.rules[span.rule][0 if right else 1] += 1
            if not right:
                self.alarms.append((sample, span, next((other["type"] for other in sample["neg"] if overlaps(span, other)), None)))
        for label in labels:
            within = redacted[label.span["start"] : label.span["end"]]
            label.covered = sum(within) / max(1, len(within))
            label.touching = [span.rule for span in predicted if overlaps(span, label.span)]
        for other in sample["neg"]:
            counts = self.lookalikes[other["type"]]
            counts[0] += any(redacted[other["start"] : other["end"]])
            counts[1] += 1
        self.excess += sum(taken and not due for taken, due in zip(redacted, marked))
        self.beside += len(marked) - sum(marked)
        self.labels += labels

    def recall(self, which=lambda label: True):
        """How many of the labels are found, and of how many."""
        chosen = [label.found for label in self.labels if which(label)]
        return sum(chosen), len(chosen)

    def precision(self, of_type=None):
        """How many predictions are right, and of how many; of a type: those by the rules that mostly find it."""
        counts = [counts for rule, counts in self.rules.items() if of_type is None or self.types.get(rule) == of_type]
        right = sum(right for right, _ in counts)
        return right, right + sum(wrong for _, wrong in counts)

    def lookalikes_hit(self):
        return tuple(map(sum, zip(*self.lookalikes.values()))) if self.lookalikes else (0, 0)

    def misses(self):
        """The misses of each type, with or without key, in each encoding; the most first."""
        groups = defaultdict(list)
        for label in self.labels:
            if not label.found:
                groups[label.type, "with key" if label.has_key else "no key", label.encoding].append(label)
        return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))

    def false_alarms(self):
        """The false alarms of each rule, by what was taken for it; the most first."""
        groups = defaultdict(list)
        for sample, span, lookalike in self.alarms:
            groups[span.rule, lookalike or "other text"].append((sample, span))
        return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))


def merged(predicted):
    """Each place once: an engine that says the same of a span twice is counted once."""
    return list({(span.start, span.end): span for span in predicted if span.start < span.end}.values())


def overlaps(span, other):
    return span.start < other["end"] and other["start"] < span.end


def types_of_rules(labels):
    """The type that a rule mostly finds."""
    seen = defaultdict(Counter)
    for label in labels:
        for rule in label.touching:
            seen[rule][label.type] += 1
    return {rule: types.most_common(1)[0][0] for rule, types in seen.items()}


def harmonic(recall, precision):
    """F1."""
    (found, labels), (right, predicted) = recall, precision
    if not labels or not predicted or not found or not right:
        return 0.0
    r, p = found / labels, right / predicted
    return 2 * r * p / (r + p)
