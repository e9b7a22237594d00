import io

from fibrolens.progress import Progress, duration, silent


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def lines_of(total: int, seconds_per_unit: float) -> list[str]:
    stream = io.StringIO()
    with Progress(total, "training", stream, Clock(seconds_per_unit)) as progress:
        for _ in range(total):
            progress.advance()
    return stream.getvalue().splitlines()


def test_a_line_for_every_tenth_of_fast_work_with_the_time_left():
    lines = lines_of(60, 0.5)
    assert len(lines) == 10
    assert lines[0] == "training 6/60, about 27 s left"
    assert lines[-1] == "training 60/60, done in 30 s"


def test_slow_work_speaks_every_ten_seconds():
    lines = lines_of(100, 4.0)
    assert [line.split(",")[0] for line in lines[:3]] == ["training 3/100", "training 6/100", "training 9/100"]


def test_the_note_names_the_current_unit():
    stream = io.StringIO()
    with Progress(1, "reading", stream) as progress:
        progress.advance(note="scan p07")
    assert stream.getvalue().endswith("scan p07\n")


def test_a_terminal_gets_a_bar():
    stream = Terminal()
    with Progress(4, "reading", stream) as progress:
        progress.advance(4)
    assert "reading" in stream.getvalue()
    assert "4/4" in stream.getvalue()
    assert "left" in stream.getvalue()


def test_silent_says_nothing(capsys):
    with silent() as progress:
        progress.advance(3, "x")
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_durations_read_as_people_say_them():
    assert [duration(s) for s in (0.2, 59.0, 125.0, 3720.0)] == ["0 s", "59 s", "2 min 5 s", "1 h 2 min"]
