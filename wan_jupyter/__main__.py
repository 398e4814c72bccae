"""`python -m wan_jupyter doctor [SESSION]`: report problems; exit with 1 if there are any, with 2 on wrong usage."""

from __future__ import annotations

import sys

from .config import settings as environment
from .i18n.messages import current_language, tr


def main(words: list[str]) -> int:
    """Run one command; return the process's exit code."""
    current_language.set(environment.read_settings(files=False).language)
    if words[:1] != ["doctor"] or len(words) > 2:
        print(tr("doctor.usage"), file=sys.stderr)  # noqa: T201 - a command's own output
        return 2
    from .workflows import doctor

    findings = doctor.examine(doctor.visit("".join(words[1:])))
    print(doctor.report(findings))  # noqa: T201 - a command's own output
    return 1 if doctor.count_wrong(findings) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
