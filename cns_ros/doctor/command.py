"""Look over everything that servoing needs, and say what to do about what is wrong.

Start camera and robot first. The exit code is 1 if anything fails, else 0; warnings do not count.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from cns_core.command_name import command_name
from cns_ros.bringup.option_parser import add_settings
from cns_ros.doctor.examination import GROUPS, examine
from cns_ros.doctor.finding import Finding, Verdict
from cns_ros.doctor.settings import DoctorSettings


def main() -> int:
    """Entry point of ``cns doctor``."""
    parser = argparse.ArgumentParser(
        prog=command_name("python -m cns_ros.doctor.command"),
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}")
    parser.add_argument("--json", action="store_true", help="one JSON list instead of lines")
    add_settings(parser, DoctorSettings)
    words = vars(parser.parse_args())
    groups, as_json = words.pop("groups") or GROUPS, words.pop("json")
    if unknown := set(groups) - set(GROUPS):
        parser.error(f"GROUP must be of {', '.join(GROUPS)}, got {', '.join(sorted(unknown))}")
    try:
        settings = DoctorSettings(**words)
    except ValueError as reason:
        parser.error(str(reason))
    findings = []
    for finding in examine(settings, groups):
        findings.append(finding)
        if not as_json:
            print(line(finding), flush=True)
    failed = sum(finding.verdict is Verdict.FAIL for finding in findings)
    if as_json:
        print(json.dumps([{**asdict(f), "verdict": f.verdict.value} for f in findings], indent=2))
    else:
        print(f"\n{failed} of {len(findings)} checks failed" if failed else "\nnothing fails")
    return int(failed > 0)


def line(finding: Finding) -> str:
    """One finding for people."""
    text = f"{finding.verdict.value:<8}{finding.check:<19}{finding.seen}"
    return f"{text}\n{'':<10}-> {finding.remedy}" if finding.remedy else text


if __name__ == "__main__":
    sys.exit(main())
