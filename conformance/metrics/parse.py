"""Reads an exposition from standard input by Prometheus' own parser; prints what it found as JSON."""

import json
import sys

from prometheus_client.parser import text_string_to_metric_families

families = {}
for family in text_string_to_metric_families(sys.stdin.read()):
    samples = [[sample.name, sample.labels, sample.value] for sample in family.samples]
    if family.name in families:
        sys.exit(f"{family.name} is there twice")
    if family.type == "unknown" or not family.documentation:
        sys.exit(f"{family.name} lacks a type or a help text")
    families[family.name] = {"type": family.type, "samples": samples}
json.dump(families, sys.stdout)
