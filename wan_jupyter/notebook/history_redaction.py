"""Remove inputs that hold a key from IPython's history of this session.

IPython keeps every input in memory (`In`, `_i`, `_i3`) and in a database in the user's profile. Tested with IPython
7.34 and 9.18. If an input cannot be removed, the caller says so, and the user can remove it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

INPUT = re.compile(r"_i{1,3}|_i\d+")
OWN = ("_i", "_ii", "_iii", "_i00")


def forget_inputs(shell: Any, unwanted: Callable[[str], bool]) -> bool:
    """Remove inputs of this session from IPython's memory and database; return False if any may still be there."""
    history = getattr(shell, "history_manager", None)
    if history is None:
        return False
    try:
        _in_memory(shell, history, unwanted)
        return not getattr(history, "enabled", False) or _in_database(history, unwanted)
    except Exception:  # another kind of history manager, or a database that another process locks
        return False


def _in_memory(shell: Any, history: Any, unwanted: Callable[[str], bool]) -> None:
    raw, parsed = history.input_hist_raw, history.input_hist_parsed
    for index, texts in enumerate(zip(raw, parsed, strict=True)):
        if any(map(unwanted, texts)):
            raw[index] = parsed[index] = ""
    names = shell.user_ns
    for name in [name for name in names if INPUT.fullmatch(name) and isinstance(names[name], str)]:
        names[name] = "" if unwanted(names[name]) else names[name]
    for name in OWN:
        if unwanted(getattr(history, name, "")):
            setattr(history, name, "")


def _in_database(history: Any, unwanted: Callable[[str], bool]) -> bool:
    """Delete inputs from the database and from the cache of IPython's writer thread, which the lock keeps waiting."""
    with history.db_input_cache_lock:
        history.db_input_cache = [kept for kept in history.db_input_cache if not unwanted(f"{kept[1]}\n{kept[2]}")]
        sql, session = history.db, history.session_number
        sql.execute("PRAGMA secure_delete = ON")  # otherwise the text stays in the file until it is overwritten
        query = "SELECT line, source, source_raw FROM history WHERE session = ?"
        lines = [line for line, *texts in sql.execute(query, (session,)).fetchall() if unwanted("\n".join(texts))]
        with sql:
            for line in lines:
                sql.execute("DELETE FROM history WHERE session = ? AND line = ?", (session, line))
    return True
