"""`%wan login` and `%wan logout`: keys are typed into a password field and kept for this kernel, or in the keyring."""

from __future__ import annotations

import getpass
import warnings
from collections.abc import Sequence

from ...catalog import plan
from ...config import credentials
from ...config.provider_selection import provider_names
from ...errors import CredentialsError, SettingsError, WanError
from ...i18n.messages import tr
from ...i18n.suggestions import nearest, shorten
from ...security.api_key import Key
from ..shell_state import ShellState
from .spec import Argument, CommandSpec, Flag

DEFAULT_PROVIDER = "dashscope-intl"
REFUSED = (401, 403)  # HTTP status codes of a wrong key


def login(state: ShellState, name: str = "", *, keep: bool = False) -> None:
    """Ask for a provider's key, use it in this kernel, and report whether the service accepts it."""
    name = _key_owner(state, name)
    target, provider = _target(state, name)
    if provider.key in ("none", "built-in"):
        return state.presenter.say("login.needless", name=name)
    key = credentials.checked(Key(_ask(state, name, provider), "%wan login"))
    state.log_in(target, key)
    accepted = _check_with_service(state, name)
    if keep:
        _store(state, name, target, provider, key, accepted)
    return _say_how_to_use(state, name)


def logout(state: ShellState, name: str = "") -> None:
    """Forget a provider's key, in this kernel and in the keyring."""
    name = _key_owner(state, name)
    target, provider = _target(state, name)
    had = target in state.logins
    state.log_in(target, None)
    kept = credentials.forget_key(provider.name) if target == provider.name else False
    state.presenter.say("logout.done" if had or kept else "logout.nothing", name=name)
    left = next(credentials.sources(provider, state.read()), None) if target == provider.name else None
    if left is not None:
        state.presenter.say("logout.left", name=name, source=left.source)


def _refuse_keys(state: ShellState, words: Sequence[str]) -> None:
    """Refuse a word that may be a key, so that it is not quoted in an error and is removed from the history.

    The first word may be a name, or nearly one; anything else that does not look like a flag is checked.
    """
    known = provider_names(state.read()) if words else ()
    named = bool(words) and (words[0] in known or bool(nearest(words[0], known)))
    for word in words[1:] if named else words:
        if not word.startswith("-"):
            state.refuse_key(word)


def _key_owner(state: ShellState, name: str) -> str:
    """Return whose key is meant: the name typed, by default the provider in use.

    Raises:
        SettingsError: there is no such provider or session.
    """
    settings = state.read()
    if not name:
        used = state.named or settings.provider or settings.chosen or DEFAULT_PROVIDER
        return DEFAULT_PROVIDER if used == plan.EMULATOR else used
    known = provider_names(settings)
    if name not in known:
        suggestion = nearest(name, known)
        raise SettingsError("provider.unknown", name=shorten(name), names=", ".join(known), suggestion=suggestion)
    return name


def _target(state: ShellState, name: str) -> tuple[str, plan.Provider]:
    """Return the name that a key is kept under, and the provider: a session with its own key variable keeps its own."""
    own = state.read().sessions.get(name)
    provider = plan.providers()[own.provider if own else name]
    return (name if own and own.key_variable else provider.name), provider


def _ask(state: ShellState, name: str, provider: plan.Provider) -> str:
    """Ask for the key without showing it: with a password field in a notebook, without echo in a terminal."""
    own = state.read().sessions.get(name)
    variable = (own and own.key_variable) or (*provider.key_variables, "WAN_API_KEY")[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # getpass would echo the key
            typed = getpass.getpass(tr("login.ask", name=name))
    except (EOFError, OSError, NotImplementedError, getpass.GetPassWarning):
        typed = None
    if typed is None:
        raise CredentialsError("key.nobody_to_ask", name=name, variable=variable)
    if not typed.strip():
        raise CredentialsError("key.nothing_typed", name=name)
    return typed


def _check_with_service(state: ShellState, name: str) -> bool:
    """Report whether the service accepts the key; return False if it refuses it. The request is free."""
    try:
        session = state.session(name)
        answer = session.ping()
    except WanError as problem:  # no address yet, or no network: the key may still be right
        state.presenter.say("login.unasked", name=name, reason=problem.message())
        return True
    refused = answer.http_status in REFUSED
    advice = tr(f"advice.{answer.problem.advice}") if refused and answer.problem else ""
    key = "login.refused" if refused else "login.taken" if answer.http_status < 500 else "login.unclear"
    state.presenter.say(key, name=name, address=session.provider.origin, http=answer.http_status, advice=advice)
    return not refused


def _store(state: ShellState, name: str, target: str, provider: plan.Provider, key: Key, accepted: bool) -> None:
    if target != provider.name:
        raise CredentialsError("key.own_variable", name=name, variable=state.read().sessions[name].key_variable)
    if not accepted:
        return state.presenter.say("login.not_kept")
    return state.presenter.say("login.kept", where=credentials.store_key(provider.name, key), provider=provider.name)


def _say_how_to_use(state: ShellState, name: str) -> None:
    """Say how to use the provider, unless cells use it already."""
    try:
        used = state.session()
        elsewhere = name not in (used.name, used.provider.name)
    except SettingsError:
        elsewhere = True
    if elsewhere:
        state.presenter.say("login.use", name=name)


LOGIN = CommandSpec(
    "login",
    login,
    (Argument("NAME", "service"),),
    (Flag("--keep", "command.flag.keep"),),
    help_key="command.login",
    guard=_refuse_keys,
)
LOGOUT = CommandSpec("logout", logout, (Argument("NAME", "service"),), help_key="command.logout", guard=_refuse_keys)
