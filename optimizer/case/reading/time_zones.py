"""Names of time zones."""

from __future__ import annotations

import zoneinfo

from models.spelling import suggest

#: files beside the zones: none of its own, that of this machine, a rule for others
NO_ZONES = {"Factory", "localtime", "posixrules"}


def zone_named(name: str) -> zoneinfo.ZoneInfo | None:
    """The zone of the IANA's list that has this name; None where there is none."""
    if name.startswith(("posix/", "right/")) or name in NO_ZONES:
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def zone_hint(name: str) -> str:
    """What may have been meant by a name that is none."""
    near = suggest(name, sorted(zoneinfo.available_timezones() - NO_ZONES))
    return f'did you mean "{near}"?' if near else "a name such as America/New_York"
