"""The magics in a terminal IPython: what may be typed, what it means, and what each `%wan` command says."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.clock import PATIENCE, until
from tests.support.ipython_shell import LOAD, SMALL, Shell
from wan_jupyter import Job, Status
from wan_jupyter.errors import JobError, JobFailed, OptionError, OutputError, WaitTimeout
from wan_jupyter.notebook.commands import SPECS
from wan_jupyter.notebook.commands.usage import rows

pytest_plugins = ("tests.support.notebook_fixtures",)

SECRET = "sk-distinctive-0123456789"


def registered(ip: Any) -> dict[str, list[str]]:
    """Return what an extension can leave behind in a shell."""
    formatter = ip.display_formatter.ipython_display_formatter
    return {
        "line magics": sorted(ip.magics_manager.magics["line"]),
        "cell magics": sorted(ip.magics_manager.magics["cell"]),
        "registry": sorted(ip.magics_manager.registry),
        "configurables": sorted(type(one).__name__ for one in ip.configurables),
        "transformers": [getattr(one, "__name__", "") for one in ip.input_transformers_cleanup],
        "renderers": sorted(map(str, [*formatter.deferred_printers, *formatter.type_printers])),
        "matchers": [len(getattr(ip.Completer, name, ())) for name in ("custom_matchers", "magic_arg_matchers")],
        "events": [len(ip.events.callbacks[name]) for name in sorted(ip.events.callbacks)],
        "attributes": sorted(name for name in vars(ip) if name.startswith("_wan")),
    }


# ---- loading ---------------------------------------------------------------------------------------------------------


def test_loading_brings_a_cell_magic_and_a_line_magic(shell: Shell) -> None:
    """After `%load_ext`, `%%wan` and `%wan` are there; Job, Video and the form have renderers."""
    found = registered(shell.ip)
    assert "wan" in found["line magics"]
    assert "wan" in found["cell magics"]
    assert len([name for name in found["renderers"] if "wan_jupyter" in name]) == 3


def test_unloading_takes_everything_back(bare: Shell) -> None:
    """Magics, input transformer, configurable and renderers go, used or not."""
    bare.run("%unload_ext nothing")  # IPython makes the magic for this when it is first used
    before = registered(bare.ip)
    bare.ok(LOAD)
    bare.ok(f"%%wan cat.png {SMALL} -o job\nA cat")
    bare.ok("job")
    bare.ok("%unload_ext wan_jupyter")
    assert registered(bare.ip) == before
    assert "<Job" in bare.ok("job").out


def test_loading_again_doubles_nothing(shell: Shell) -> None:
    """Load, load, unload, load: as after one load."""
    once = registered(shell.ip)
    shell.run(LOAD)
    shell.ok("%reload_ext wan_jupyter")
    shell.ok("%unload_ext wan_jupyter")
    shell.ok(LOAD)
    assert registered(shell.ip) == once


def test_a_cell_works_after_loading_again(shell: Shell) -> None:
    """The second life of the magics is as good as the first."""
    shell.ok("%unload_ext wan_jupyter")
    shell.ok(LOAD)
    shell.ok(f"%%wan cat.png {SMALL}\nA cat")
    assert len(shell.workspace.videos()) == 1


def test_a_job_under_way_outlives_unloading(shell: Shell) -> None:
    """The extension goes, the paid job does not."""
    shell.hold()
    job = shell.order()
    shell.ok("%unload_ext wan_jupyter")
    shell.emulator().clear()
    assert job.result(PATIENCE).path.is_file()


# ---- pictures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("cat.png", "cat.png"),
        ("my cat.png", '"my cat.png"'),
        ("my cat.png", "'my cat.png'"),
        ("it's.png", "it's.png"),
        ("고양이 #1.png", '"고양이 #1.png"'),
        (r"C:\new\table\cat.png", r"C:\new\table\cat.png"),
        (r"C:\my pictures\cat.png", r'"C:\my pictures\cat.png"'),
        ("cat.png", "cat.png # the grey one"),
        ("-cat.png", "-- -cat.png"),
    ],
)
def test_a_picture_is_named_as_it_is_called(shell: Shell, file: str, line: str) -> None:
    """Blanks in quotes, backslashes and apostrophes as they are, a comment at the end is no picture."""
    if file != "cat.png":
        shutil.copy(shell.workspace.folder / "cat.png", shell.workspace.folder / file)
    shell.ok(f"%%wan {SMALL} -o job --no-wait {line}\nA cat")
    [(role, image)] = shell.names["job"].request.frames
    assert (role, image.label) == ("first", file)


def test_two_pictures_are_the_first_and_the_last_frame(shell: Shell) -> None:
    """In the order in which they are typed, before or after the options."""
    shutil.copy(shell.workspace.folder / "cat.png", shell.workspace.folder / "night.png")
    shell.ok("%%wan cat.png -r 480P night.png -o job --no-wait\nNight comes")
    frames = shell.names["job"].request.frames
    assert [(role, image.label) for role, image in frames] == [("first", "cat.png"), ("last", "night.png")]
    assert shell.names["job"].request.model == "wan2.2-kf2v-flash"


@pytest.mark.parametrize("form", ["path", "picture", "array", "data"])
def test_a_variable_is_a_picture(shell: Shell, form: str) -> None:
    """`$name` is a path, a PIL image, a numpy array or bytes of the notebook."""
    shell.ok("import pathlib, PIL.Image, numpy\npath = pathlib.Path('cat.png')\npicture = PIL.Image.open(path)")
    shell.ok("array = numpy.asarray(picture)\ndata = path.read_bytes()")
    shell.ok(f"%%wan ${form} {SMALL} -o job\nA cat")
    assert shell.names["job"].video.path.is_file()


def test_a_job_is_a_picture_for_the_next(shell: Shell) -> None:
    """`$job` is the last frame of its video, so one cell goes on where the other ended."""
    first = shell.order("One")
    shell.ok(f"%%wan $ordered {SMALL} -o second\nTwo")
    assert first.video is not None
    assert shell.names["second"].video.path != first.video.path


# ---- options ---------------------------------------------------------------------------------------------------------


def test_a_variable_is_a_value(shell: Shell) -> None:
    """`-d $seconds` takes the number; text of a variable may hold blanks."""
    shell.ok("seconds = 10\nugly = 'blurry, distorted'")
    shell.ok(f"%%wan cat.png {SMALL} -d $seconds -n $ugly --no-wait -o job\nA cat")
    asked = shell.names["job"].request
    assert (asked.duration, asked.negative_prompt) == (10, "blurry, distorted")


def test_options_reach_the_service(shell: Shell) -> None:
    """Seed, negative prompt, switches and -p stand in the body that was sent."""
    shell.ok(f'%%wan cat.png {SMALL} -s 7 -n "ugly, blurry" --no-prompt-extend --watermark -p x=1 -p input.y=no\nA cat')
    [task] = shell.emulator().tasks
    sent = task["request"]
    assert sent["input"]["negative_prompt"] == "ugly, blurry"
    assert sent["input"]["y"] == "no"
    parameters = sent["parameters"]
    assert parameters | {"seed": 7, "prompt_extend": False, "watermark": True, "x": 1} == parameters


def test_ipython_expands_nothing(shell: Shell) -> None:
    """`{x}` and `$x` in a body, and `{x}` in the line, are the user's own text."""
    shell.ok("x = 'EXPANDED'")
    shell.ok(f'%%wan cat.png {SMALL} -n "{{x}}" --no-wait -o job\nCosts $x, {{x}} and {{1 + 1}} and $HOME')
    asked = shell.names["job"].request
    assert asked.filled_prompt == "Costs $x, {x} and {1 + 1} and $HOME"
    assert asked.negative_prompt == "{x}"


def test_a_template_is_filled(shell: Shell) -> None:
    """Names, attributes, indexes and formats; the journal keeps what was typed, too."""
    shell.ok("import types\ncat = types.SimpleNamespace(name='토리', colours=['grey'])\nspeed = 1.25")
    shell.ok(
        f"%%wan cat.png {SMALL} --no-wait -o job\n{{{{ cat.name }}}} is {{{{cat.colours[0]}}}} at {{{{ speed:.1f }}}}"
    )
    asked = shell.names["job"].request
    assert asked.filled_prompt == "토리 is grey at 1.2"
    assert asked.prompt == "{{ cat.name }} is {{cat.colours[0]}} at {{ speed:.1f }}"


def test_a_template_in_the_negative_prompt_is_filled(shell: Shell) -> None:
    """`-n` takes templates, as the body does."""
    shell.ok("bad = 'blur'")
    shell.ok(f'%%wan cat.png {SMALL} -n "no {{{{ bad }}}}" --no-wait -o job\nA cat')
    assert shell.names["job"].request.negative_prompt == "no blur"


def test_a_variable_behind_n_is_taken_as_it_is(shell: Shell) -> None:
    """What is looked up is no template; typed again in words, it is one."""
    shell.names.update(neg="a {{ b }}", bad="blur")
    shell.ok(f"%%wan cat.png {SMALL} -n $neg --no-wait -o job\nA cat")
    assert shell.names["job"].request.negative_prompt == "a {{ b }}"
    shell.ok(f'%%wan cat.png {SMALL} -n $neg -n "no {{{{ bad }}}}" --no-wait -o job\nA cat')
    assert shell.names["job"].request.negative_prompt == "no blur"


def test_json_in_a_prompt_passes_untouched(shell: Shell) -> None:
    """Braces of JSON and CSS are no templates."""
    text = 'A sign: {"a": {"b": 1}} and a{color:red}'
    assert shell.order(text).request.filled_prompt == text


@pytest.mark.parametrize(
    "prompt", ["고양이가 하품한다", "猫があくびをする", "猫打了个哈欠", "# not a comment", "%wan is text", "!ls"]
)
def test_a_prompt_is_text_in_any_language(shell: Shell, prompt: str) -> None:
    """What stands in the body is the prompt, whatever IPython would make of it elsewhere."""
    assert shell.order(prompt).request.filled_prompt == prompt


@pytest.mark.parametrize("end", ["", "\n", "\n\n  \n", " # no body"])
def test_a_cell_needs_no_body(shell: Shell, end: str) -> None:
    """`%%wan cat.png` alone is a cell."""
    ran = shell.ok(f"%%wan cat.png {SMALL} --no-wait -o job{end}")
    assert "cell body is empty" not in ran.out
    assert shell.names["job"].request.filled_prompt == ""


def test_a_prompt_can_be_typed_below_the_line(shell: Shell) -> None:
    """A terminal does not run the first line by itself: a cell magic ends with a blank line, as always."""
    check = shell.ip.check_complete
    assert check("%%wan cat.png")[0] == "incomplete"
    assert check("%%wan cat.png\nA cat")[0] == "incomplete"
    assert check("%%wan cat.png\nA cat\n\n")[0] == "complete"
    assert check("%%wan cat.png\n\n")[0] == "complete"


def test_other_magics_still_need_a_body(shell: Shell) -> None:
    """The empty body is given to `%%wan` alone."""
    assert "%%wanted" not in shell.run("%%html").out
    assert type(shell.run("%%html").error).__name__ == "UsageError"


# ---- what a cell does ------------------------------------------------------------------------------------------------


def test_the_job_is_in_its_variable_at_once(shell: Shell) -> None:
    """`-o` does not wait for the video."""
    shell.hold()
    job = shell.order()
    assert isinstance(job, Job)
    assert job.status.live
    shell.emulator().clear()


def test_a_cell_has_no_value(shell: Shell) -> None:
    """`%%wan` returns None and leaves `_` alone."""
    shell.ok("6 * 7")
    ran = shell.ok(f"%%wan cat.png {SMALL}\nA cat")
    assert ran.value is None
    assert "Out[" not in ran.out
    assert shell.ok("_").value == 42


def test_the_last_job_is_at_hand(shell: Shell) -> None:
    """`wan_jupyter.last()` is the job of the newest cell."""
    job = shell.order()
    assert shell.ok("import wan_jupyter; wan_jupyter.last().id").value == job.id


def test_the_terminal_waits_by_itself(shell: Shell) -> None:
    """Nobody could come back to a card there: the cell ends with the file's name."""
    ran = shell.ok(f"%%wan cat.png {SMALL}\nA cat")
    [video] = shell.workspace.videos()
    assert str(video.relative_to(shell.workspace.folder)) in ran.out


def test_a_cell_that_does_not_wait_says_how_to_come_back(shell: Shell) -> None:
    """`--no-wait` prints where the job stands, once; nothing is written into what is typed next."""
    shell.hold()
    ran = shell.ok(f"%%wan cat.png {SMALL} --no-wait -o job\nA cat")
    job = shell.names["job"]
    assert f"%wan show {job.id}" in ran.out
    shell.emulator().clear()
    assert shell.ok("job.result(60)").err == ""


def test_a_time_limit_ends_the_wait_and_not_the_job(shell: Shell) -> None:
    """`--timeout` raises with the two lines that say how to come back; the job goes on to its video."""
    shell.hold()
    ran = shell.run(f"%%wan cat.png {SMALL} --timeout 1s -o job\nA cat")
    job = shell.names["job"]
    assert isinstance(ran.error, WaitTimeout)
    assert len(ran.lines) == 2
    assert f"%wan wait {job.id}" in ran.out
    shell.emulator().clear()
    assert job.result(PATIENCE).path.is_file()


def test_a_failure_raises_where_the_cell_waits(shell: Shell) -> None:
    """What happened; the service's code, message and request id; what to do next: three lines, once."""
    ran = shell.run(f"%%wan cat.png {SMALL}\nA forbidden prompt")
    assert isinstance(ran.error, JobFailed)
    first, second, third = ran.lines
    assert "moderation rejected" in first
    assert "DataInspectionFailed: Input data may contain inappropriate content." in second
    assert f"(request id {ran.error.request_id})" in second
    assert third == "Change the prompt or the image. Nothing was billed."
    assert "DataInspectionFailed" not in ran.err


def test_a_failure_does_not_raise_where_the_cell_does_not_wait(shell: Shell) -> None:
    """A cell that has returned never raises; the job holds the error."""
    job = shell.order("A forbidden prompt")
    until(lambda: job.done)
    assert isinstance(job.error, JobFailed)


# ---- same request, same video ----------------------------------------------------------------------------------------


def test_a_cell_run_again_attaches_to_its_live_job(shell: Shell) -> None:
    """One Job object and one task, however often the cell is run."""
    shell.hold()
    first = shell.order()
    assert shell.order() is first
    until(lambda: first.remote_id)
    assert [task["task_id"] for task in shell.emulator().tasks] == [first.remote_id]
    shell.emulator().clear()


def test_a_cell_run_again_later_shows_its_file(shell: Shell) -> None:
    """Nothing is sent, and the same file is named, with a word that says so."""
    cell = f"%%wan cat.png {SMALL}\nA cat"
    first, second = shell.ok(cell), shell.ok(cell)
    assert first.lines == second.lines[:-1]
    assert "nothing was sent" in second.lines[-1]
    assert len(shell.emulator().tasks) == len(shell.workspace.rows()) == 1


def test_a_new_take_is_made_when_asked(shell: Shell) -> None:
    """`--new` sends the same request again, with a seed of its own."""
    shell.ok(f"%%wan cat.png {SMALL} -o one\nA cat")
    shell.ok(f"%%wan cat.png {SMALL} -o two --new\nA cat")
    one, two = shell.names["one"], shell.names["two"]
    assert (one.info.take, two.info.take) == (1, 2)
    assert one.request.seed != two.request.seed
    assert len(shell.emulator().tasks) == 2


def test_new_makes_a_take_beside_one_that_is_under_way_here(shell: Shell) -> None:
    """The same cell run twice, with --new, in the kernel that carries out the first: two takes."""
    shell.hold()
    jobs = [shell.made(f"cat.png {SMALL} --new", "A cat") for _ in range(2)]
    assert [job.info.take for job in jobs] == [1, 2]
    shell.emulator().clear()


def test_new_goes_on_with_what_the_same_cell_paid_for_but_could_not_save(shell: Shell) -> None:
    """As the error says: choose another folder, then run the cell again; nothing is sent twice."""
    cell = f"%%wan cat.png {SMALL} --new --wait -o job\nA cat"
    (shell.workspace.folder / "a file").write_bytes(b"")
    shell.ok("%config WanMagics.outputs = 'a file/videos'")
    problem = shell.run(cell).error
    assert isinstance(problem, OutputError)
    assert "run the cell again; nothing is sent twice" in problem.hint()
    shell.ok("%config WanMagics.outputs = 'wan_outputs'")
    shell.ok(cell)
    assert shell.names["job"].info.take == 1
    assert len(shell.emulator().tasks) == 1


def test_blanks_and_line_ends_make_no_other_request(shell: Shell) -> None:
    """A trailing blank in the cell does not cost a second video."""
    assert shell.order("A cat\nlooks up").id == shell.order("\n  A cat\nlooks up  \n\n").id


# ---- --dry-run, --help -----------------------------------------------------------------------------------------------


def test_a_dry_run_shows_the_request_and_sends_nothing(shell: Shell) -> None:
    """Address, body, picture as kind, weight and digest, price and curl; the journal has no row."""
    ran = shell.ok("%%wan cat.png -d 5 --dry-run\nThe cat looks up")
    digest = hashlib.sha256((shell.workspace.folder / "cat.png").read_bytes()).hexdigest()
    assert "POST http://emulator.invalid/api/v1/services/aigc/video-generation/video-synthesis" in ran.out
    assert '"prompt": "The cat looks up"' in ran.out
    assert '"duration": 5' in ran.out
    assert f"<data:image/png, 1.2 kB, sha256 {digest[:12]}…>" in ran.out
    assert "Free: the emulator costs nothing" in ran.out
    assert "curl -X POST" in ran.out
    assert shell.workspace.rows() == shell.workspace.tasks() == []


def test_a_dry_run_never_shows_the_key(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The curl command takes it from the variable; the price is the real one."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", SECRET)
    ran = shell.ok("%%wan cat.png --provider dashscope-intl --dry-run\nThe cat looks up")
    assert "https://dashscope-intl.aliyuncs.com/api/v1" in ran.out
    assert "Bearer $DASHSCOPE_API_KEY" in ran.out
    assert "USD" in ran.out
    assert SECRET not in ran.out + ran.err


def test_the_curl_command_is_the_request(shell: Shell) -> None:
    """A prompt with quotes survives the shell's quoting."""
    import json
    import shlex

    ran = shell.ok('%%wan cat.png --dry-run\nIt\'s a "cat" for $5 & `more`')
    words = shlex.split(ran.out[ran.out.index("curl -X POST") :].replace("\\\n", " "))
    body = json.loads(words[words.index("-d") + 1])
    assert body["input"]["prompt"] == 'It\'s a "cat" for $5 & `more`'


@pytest.mark.parametrize("line", ["--help", "-h", "cat.png --help", "cat.png --nonsense 'unclosed -h"])
def test_help_lists_the_options(shell: Shell, line: str) -> None:
    """However wrong the rest of the line is; nothing is sent."""
    ran = shell.ok(f"%%wan {line}\nA cat")
    assert "--duration" in ran.out
    assert "--dry-run" in ran.out
    assert shell.workspace.rows() == []


# ---- %wan ------------------------------------------------------------------------------------------------------------


def test_where_says_what_is_in_use(shell: Shell) -> None:
    """Provider, key's source, folder, jobs under way."""
    shell.hold()
    job = shell.order()
    ran = shell.ok("%wan")
    for word in ("emulator", str(shell.workspace.outputs), job.id):
        assert word in ran.out
    shell.emulator().clear()


def test_where_names_the_keys_source_and_not_the_key(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key set after loading is found when its provider is chosen."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", SECRET)
    shell.ok("%wan use dashscope-cn")
    ran = shell.ok("%wan")
    assert "dashscope-cn" in ran.out
    assert "DASHSCOPE_API_KEY" in ran.out
    assert SECRET not in ran.out


def test_use_chooses_the_provider_of_the_cells_that_follow(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until another is chosen; `--provider` counts for its own cell only."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", SECRET)
    assert "dashscope-us" in shell.ok("%wan use dashscope-us").out
    assert "dashscope-us.aliyuncs.com" in shell.ok("%%wan cat.png --dry-run\nA cat").out
    assert "emulator.invalid" in shell.ok("%%wan cat.png --dry-run --provider emulator\nA cat").out
    assert "dashscope-us.aliyuncs.com" in shell.ok("%%wan cat.png --dry-run\nA cat").out


def test_a_provider_that_cannot_be_used_changes_nothing(shell: Shell) -> None:
    """`%wan use` without a key for it leaves the old one in use."""
    assert shell.run("%wan use dashscope-cn").error is not None
    assert "emulator" in shell.ok("%wan").out


def test_jobs_are_listed_newest_first(shell: Shell) -> None:
    """One line each: id, state in words, model, prompt, file."""
    ids = [shell.order(prompt).id for prompt in ("One", "Two")]
    until(lambda: all(row["status"] == "SUCCEEDED" for row in shell.workspace.rows()))
    head, *lines = shell.ok("%wan jobs").lines
    assert head.split() == ["job", "started", "state", "model", "prompt", "file"]
    assert [line.split()[0] for line in lines] == ids[::-1]
    assert "Two" in lines[0]
    assert lines[0].endswith(".mp4")


def test_no_jobs_are_a_sentence(shell: Shell) -> None:
    """An empty table would say nothing."""
    assert "No jobs yet" in shell.ok("%wan jobs").out


def test_show_takes_the_beginning_of_an_id(shell: Shell) -> None:
    """It returns the job and shows its output once."""
    job = shell.order()
    job.result(PATIENCE)
    ran = shell.ok(f"%wan show {job.id[:3]}")
    assert ran.value.id == job.id
    assert ran.out.count(f"{job.id}.mp4") == 1


def test_show_returns_the_job_to_a_variable(shell: Shell) -> None:
    """`x = %wan show ID`."""
    job = shell.order()
    job.result(PATIENCE)
    shell.ok(f"x = %wan show {job.id}")
    assert shell.names["x"].video.path == job.video.path


def test_show_alone_is_the_newest_job_of_the_journal(shell: Shell) -> None:
    """Also after the kernel was started anew, when this process has made none."""
    from wan_jupyter.jobs import background

    job = shell.order()
    job.result(PATIENCE)
    background.current().jobs.clear()
    assert f"{job.id}.mp4" in shell.ok("%wan show").out


def test_show_says_that_there_is_none(shell: Shell) -> None:
    """And how to make one."""
    ran = shell.run("%wan show")
    assert isinstance(ran.error, JobError)
    assert "%%wan cat.png" in ran.out


def test_wait_ends_with_the_video(shell: Shell) -> None:
    """`%wan wait` waits for all that is under way."""
    shell.hold()
    jobs = [shell.order(prompt) for prompt in ("One", "Two")]
    shell.emulator().clear()
    ran = shell.ok("%wan wait")
    assert all(f"{job.id}.mp4" in ran.out for job in jobs)


def test_wait_raises_once_after_all_have_ended(shell: Shell) -> None:
    """A failure does not keep the other videos from view."""
    shell.hold()
    bad, good = shell.order("A forbidden prompt"), shell.order("A cat")
    shell.emulator().clear()
    ran = shell.run(f"%wan wait {bad.id} {good.id}")
    assert isinstance(ran.error, JobFailed)
    assert f"{good.id}.mp4" in ran.out


def test_there_may_be_nothing_to_wait_for(shell: Shell) -> None:
    """Then it says so."""
    assert "No jobs in progress" in shell.ok("%wan wait").out


def test_cancel_stops_a_queued_job(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator, like the service, stops what has not begun."""
    monkeypatch.setenv("WAN_EMULATOR_SPEED", "0.01")
    job = shell.order()
    assert job.id in shell.ok("%wan cancel").out
    until(lambda: job.done)
    assert job.status is Status.CANCELED
    assert shell.workspace.videos() == []


def test_cancel_says_that_a_job_has_ended(shell: Shell) -> None:
    """It does not pretend to stop what is saved."""
    job = shell.order()
    job.result(PATIENCE)
    assert "has already ended" in shell.ok(f"%wan cancel {job.id}").out


def test_cancel_alone_does_not_guess_between_two(shell: Shell) -> None:
    """It names the candidates instead."""
    shell.hold()
    jobs = [shell.order(prompt) for prompt in ("One", "Two")]
    ran = shell.run("%wan cancel")
    assert isinstance(ran.error, JobError)
    assert all(job.id in ran.out for job in jobs)
    shell.emulator().clear()


def test_models_are_listed(shell: Shell) -> None:
    """With what each can do."""
    ran = shell.ok("%wan models")
    assert any(line.split()[0] == "wan2.6-i2v-flash" and "1080P" in line for line in ran.lines)


@pytest.mark.parametrize("line", ["help", "--help", "-h"])
def test_help_lists_the_commands(shell: Shell, line: str) -> None:
    """Each with a sentence."""
    ran = shell.ok(f"%wan {line}")
    for name in ("use", "jobs", "show", "wait", "cancel", "models"):
        assert f"%wan {name}" in ran.out


def test_help_shows_how_each_command_is_typed(shell: Shell) -> None:
    """Usage and sentence are the rows of the table in the docs; a bare `%wan` stands for its command."""
    out = shell.ok("%wan help").out
    for usage, sentence in rows(SPECS):
        assert usage in out
        assert sentence in out
    assert ("%wan adopt TASK_ID [MODEL]" in out, "%wan where" in out) == (True, False)


@pytest.mark.parametrize("line", ["jobs --help", "jobs -h", "jobs --since --help", "help jobs"])
def test_a_command_explains_itself(shell: Shell, line: str) -> None:
    """Its usage, its sentence, its flags; it is not run."""
    out = shell.ok(f"%wan {line}").out
    assert out.startswith("%wan jobs [--since DAY] [--failed] [--model NAME] [--limit N]\n")
    assert [line.split()[0] for line in out.splitlines()[3:]] == ["--since", "--failed", "--model", "--limit"]


@pytest.mark.parametrize(
    ("line", "takes"),
    [("show --foo", "--help"), ("clean --no", "--yes"), ("retry --foo x", "--yes"), ("frame --strap=3", "--strip")],
)
def test_an_unknown_flag_is_answered_with_those_there_are(shell: Shell, line: str, takes: str) -> None:
    """Every command has `--help`."""
    ran = shell.run(f"%wan {line}")
    assert isinstance(ran.error, OptionError)
    assert ran.error.key == "option.unknown_here"
    assert takes in ran.lines[1]


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [("shwo", "command.unknown", "shwo"), ("help shwo", "command.unknown", "shwo"),
     ("jobs all", "command.too_many", "all"), ("show a b", "command.too_many", "b"),
     ("clean all", "command.too_many", "all"), ("jobs --failed=x", "command.too_many", "x")],
)  # fmt: skip
def test_a_wrong_command_is_two_lines(shell: Shell, line: str, key: str, value: str) -> None:
    """Never a traceback; the word that is wrong is named, and for an unknown command the nearest one."""
    ran = shell.run(f"%wan {line}")
    assert isinstance(ran.error, OptionError)
    assert (ran.error.key, len(ran.lines)) == (key, 2)
    assert value in ran.lines[0]
    assert key != "command.unknown" or "show" in ran.lines[1]


# ---- folders ---------------------------------------------------------------------------------------------------------


def test_the_outputs_folder_can_be_set(shell: Shell) -> None:
    """`%config WanMagics.outputs` takes a folder with blanks, for the cells that follow."""
    shell.ok("%config WanMagics.outputs = 'my videos'")
    shell.ok(f"%%wan cat.png {SMALL}\nA cat")
    assert len(list((shell.workspace.folder / "my videos").glob("*.mp4"))) == 1


def test_the_outputs_folder_stays_where_the_notebook_is(shell: Shell) -> None:
    """A `%cd` later moves neither the videos nor the links to them."""
    (shell.workspace.folder / "sub").mkdir()
    shell.ok("%cd -q sub")
    ran = shell.ok(f"%%wan ../cat.png {SMALL}\nA cat")
    assert [path.parent for path in shell.workspace.videos()] == [shell.workspace.outputs]
    assert ran.lines[0].startswith("wan_outputs/")


def test_a_folder_with_any_name_will_do(shell: Shell) -> None:
    """Blanks, CJK and # in the notebook's folder."""
    folder = shell.workspace.folder / "내 영상 #1"
    shell.ok(f"%config WanMagics.outputs = {str(folder)!r}")
    shell.ok(f"%%wan cat.png {SMALL}\nA cat")
    assert [Path(row["file"]).parent for row in shell.workspace.rows()] == [folder]


def test_one_model_is_shown_with_all_that_is_known(shell: Shell) -> None:
    """Its options, its price with its date; one that is unknown is said to be, with the nearest that is."""
    ran = shell.ok("%wan models wan2.7-i2v")
    assert any("negative-prompt" in line for line in ran.lines)
    assert any("(as of 2026" in line for line in ran.lines)
    assert "wan2.7-i2v" in shell.run("%wan models wan2.7-i2w").out
