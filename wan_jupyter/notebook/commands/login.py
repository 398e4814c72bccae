"""Keys: asked for with a password field, kept for this kernel, in the keyring only where that is asked. Floor 6."""

from __future__ import annotations

import getpass
import warnings

from ...catalog import plan
from ...config import credentials
from ...config.provider_selection import provider_names
from ...errors import CredentialsError, OptionError, SettingsError, WanError
from ...i18n.messages import tr
from ...i18n.suggestions import nearest, shorten
from ...security.api_key import Key
from ..shell_state import ShellState

KEEP = "--keep"
USUAL = "dashscope-intl"
REFUSED = (401, 403)


def login(state: ShellState, *words: str) -> None:
    """Ask for a provider's key, use it in this kernel, and say whether the service takes it."""
    name = _name(state, [word for word in words if word != KEEP], "login")
    target, row = _target(state, name)
    if row.key in ("none", "built-in"):
        return state.presenter.say("login.needless", name=name)
    key = credentials.checked(Key(_asked(state, name, row), "%wan login"))
    state.log_in(target, key)
    taken = _ping(state, name)
    if KEEP in words:
        _keep(state, name, target, row, key, taken)
    return _say_use(state, name)


def logout(state: ShellState, *words: str) -> None:
    """Forget a provider's key, in this kernel and in the keyring."""
    name = _name(state, list(words), "logout")
    target, row = _target(state, name)
    had = target in state.logins
    state.log_in(target, None)
    kept = credentials.forget_key(row.name) if target == row.name else False
    state.presenter.say("logout.done" if had or kept else "logout.nothing", name=name)
    left = next(credentials.sources(row, state.read()), None) if target == row.name else None
    if left is not None:
        state.presenter.say("logout.left", name=name, source=left.source)


def _name(state: ShellState, words: list[str], command: str) -> str:
    """Return whose key is meant: what was typed, else what is in use, else the usual provider.

    What is no name, nor nearly one, may be a key by its looks: it is not shown again then.
    """
    settings = state.read()
    if not words:
        used = state.named or settings.provider or settings.chosen or USUAL
        return USUAL if used == plan.EMULATOR else used
    known = provider_names(settings)
    if words[0] not in known:
        suggestion = nearest(words[0], known)
        if not suggestion and not words[0].startswith("-"):
            state.refuse_key(words[0])
        raise SettingsError("provider.unknown", name=shorten(words[0]), names=", ".join(known), suggestion=suggestion)
    if len(words) > 1:
        if not words[1].startswith("-"):
            state.refuse_key(words[1])
        raise OptionError("command.too_many", name=command, value=shorten(words[1]))
    return words[0]


def _target(state: ShellState, name: str) -> tuple[str, plan.Provider]:
    """Return what a key is kept under, and the provider's row: a session with a key of its own stands for itself."""
    own = state.read().sessions.get(name)
    row = plan.providers()[own.provider if own else name]
    return (name if own and own.key_variable else row.name), row


def _asked(state: ShellState, name: str, row: plan.Provider) -> str:
    """Ask for the key where nobody can read it: a password field in a notebook, no echo in a terminal."""
    own = state.read().sessions.get(name)
    variable = (own and own.key_variable) or (*row.key_variables, "WAN_API_KEY")[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # it would show what is typed
            typed = getpass.getpass(tr("login.ask", name=name))
    except (EOFError, OSError, NotImplementedError, getpass.GetPassWarning):
        typed = None
    if typed is None:
        raise CredentialsError("key.nobody_to_ask", name=name, variable=variable)
    if not typed.strip():
        raise CredentialsError("key.nothing_typed", name=name)
    return typed


def _ping(state: ShellState, name: str) -> bool:
    """Ask the service whether it takes the key, which costs nothing, and say so; False if it refuses it."""
    try:
        session = state.session(name)
        answer = session.ping()
    except WanError as problem:  # no address yet, or no network: the key may be right all the same
        state.presenter.say("login.unasked", name=name, reason=problem.message())
        return True
    refused = answer.http_status in REFUSED
    advice = tr(f"advice.{answer.problem.advice}") if refused and answer.problem else ""
    key = "login.refused" if refused else "login.taken" if answer.http_status < 500 else "login.unclear"
    state.presenter.say(key, name=name, address=session.provider.origin, http=answer.http_status, advice=advice)
    return not refused


def _keep(state: ShellState, name: str, target: str, row: plan.Provider, key: Key, taken: bool) -> None:
    if target != row.name:
        raise CredentialsError("key.own_variable", name=name, variable=state.read().sessions[name].key_variable)
    if not taken:
        return state.presenter.say("login.not_kept")
    return state.presenter.say("login.kept", where=credentials.store_key(row.name, key), provider=row.name)


def _say_use(state: ShellState, name: str) -> None:
    """Say how to use the provider, where cells would go elsewhere."""
    try:
        used = state.session()
        elsewhere = name not in (used.name, used.provider.name)
    except SettingsError:
        elsewhere = True
    if elsewhere:
        state.presenter.say("login.use", name=name)
