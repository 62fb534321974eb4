"""How fast the screen is: a long conversation opens, a key is drawn while an answer comes, nothing is done while
nothing happens.

    python3 tests/bench/tui/run.py [--events 2000] [--patches 200] [--keys 1000]

plays a short sitting with the program in a terminal (a scripted engine, so that the screen alone counts), and makes
a long conversation of its log: the same records again and again, numbered anew. Printed are, at two sizes of the
terminal:

- the time from the program's start to the conversation's last words in the terminal, with a new conversation (its
  first frame) beside it;
- the time from a key to its letter in the terminal, in a long conversation, while an answer comes at 50 pieces a
  second: the median, the 99th percentile, and the longest;
- the processor's time in ten seconds in which nothing happens;
- the memory, with the new and with the long conversation.

Bars: open 150 ms, key 8 ms (99th percentile), idle 0.02 s (the clock ticks a hundred times a second), memory 60 MB. Exit 1 where one is not met. HOMEBODY names the
program (target/release/homebody if not set).
"""

import argparse
import fcntl
import json
import os
import pty
import random
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

PROGRAM = os.path.abspath(os.environ.get("HOMEBODY", "target/release/homebody"))
READY = b"commands, @ for files"
FILE = "src/greet.rs"
CODE = "\n".join(f"pub fn greet{n}(name: &str) -> String {{\n    format!(\"Hello {n}, {{name}}\")\n}}\n" for n in range(60))
ANSWER = "It is made by `greet7` [1]:\n\n```rust\n" + CODE[:600] + "```\n\n" + "It goes on for a while. " * 12
EDIT = "".join(
    f"*** replace {FILE}\n<<<<<<<\n    format!(\"Hello {n}, {{name}}\")\n=======\n    format!(\"Hello {n}, {{name}}!\")\n>>>>>>>\n\n"
    for n in range(4))
BARS = {"open": 150.0, "key": 8.0, "idle": 0.02, "memory": 60.0}


class Terminal:
    """The program in a terminal of its own; what it writes is kept as bytes."""

    def __init__(self, folder, env, size, arguments):
        self.begun = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(PROGRAM, [PROGRAM, *arguments], env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.seen = b""

    def read(self, wait):
        """Reads what is there within `wait` seconds."""
        if not select.select([self.fd], [], [], wait)[0]:
            return b""
        try:
            piece = os.read(self.fd, 1 << 16)
        except OSError:
            piece = b""
        # As terminals do: their ground is told, and what they are.
        if b"\x1b[c" in piece:
            os.write(self.fd, b"\x1b]11;rgb:1010/1010/1010\x1b\\\x1b[?62;c")
        self.seen += piece
        return piece

    def until(self, words, seconds=30.0):
        """Waits until words have been written since the last wait; returns the time since the start."""
        end = time.perf_counter() + seconds
        while words not in self.seen:
            if time.perf_counter() > end:
                raise RuntimeError(f"{words!r} did not come; {self.seen[-2000:]!r}")
            self.read(0.5)
        now = time.perf_counter()
        self.seen = b""
        return now - self.begun

    def rest(self, seconds):
        """Reads for some time."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)
        self.seen = b""

    def type(self, text):
        os.write(self.fd, text.encode())

    def processor(self):
        """Seconds that the program has computed."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """Megabytes that the program has in memory."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file if ":" in line)
        return int(lines["VmRSS"].split()[0]) * 1024 / 1e6

    def end(self):
        os.kill(self.pid, signal.SIGTERM)
        try:
            while self.read(5):
                pass
        finally:
            os.close(self.fd)
            os.waitpid(self.pid, 0)


def script(folder, *steps):
    path = os.path.join(folder, "script.jsonl")
    with open(path, "w", encoding="utf8") as file:
        for step in ({"model": {"name": "script", "context": 262144}}, *steps):
            file.write(json.dumps(step) + "\n")
    return f"script:{path}"


def say(terminal, line):
    terminal.type(line)
    terminal.rest(0.4)
    terminal.type("\r")


def record(folder, repository, env):
    """Plays a sitting of a question and a patch that is applied, and returns the lines of its log."""
    engine = script(
        folder,
        {"when": "which", "steps": [{"text": ANSWER}]},
        {"when": "louder", "steps": [{"text": "Each gets a mark.\n\n" + EDIT + "*** end\n"}]})
    terminal = Terminal(repository, env, (120, 40), ["--engine", engine])
    terminal.until(READY)
    terminal.rest(2)
    say(terminal, "which one greets?")
    terminal.rest(2)
    say(terminal, f"/patch make them louder in @{FILE}")
    terminal.rest(3)
    for key in ("a", "r", "A"):
        terminal.type(key)
        terminal.rest(0.4)
    terminal.type("\r")
    terminal.rest(1.5)
    terminal.end()
    sessions = []
    for root, _, files in os.walk(env["XDG_STATE_HOME"]):
        sessions += [os.path.join(root, name) for name in files if name.endswith(".jsonl")]
    if len(sessions) != 1:
        raise RuntimeError(f"one session was to be written: {sessions}")
    with open(sessions[0], encoding="utf8") as file:
        return sessions[0], [json.loads(line) for line in file]


def numbered(record, more):
    """A record whose block has another number."""
    copy = json.loads(json.dumps(record))
    for change in (copy.get("screen") or {}).values():
        if "block" in change:
            change["block"] += more
    return copy


def lengthened(path, lines, events, patches):
    """Writes a long conversation of a short one, and returns its number of records and of patches."""
    def is_patch(line):
        body = ((line.get("screen") or {}).get("block") or {}).get("body") or {}
        return "Patch" in body or "patch" in body
    begins = [n for n, line in enumerate(lines) if "user" in json.dumps(line.get("screen") or {})[:80].lower()]
    asked, patched = lines[begins[0]:begins[1]], lines[begins[1]:]
    most = max(change.get("block", 0) for line in lines for change in (line.get("screen") or {}).values())
    out, more, done = [line for line in lines[:begins[0]]], 0, 0
    while len(out) < events:
        piece = patched if done < patches else asked
        done += sum(map(is_patch, piece))
        out += [numbered(line, more) for line in piece]
        more += most
    last = [numbered(line, more) for line in asked]
    for line in last:
        text = json.dumps(line).replace("It goes on for a while. ", "It has come to its END. ")
        out.append(json.loads(text))
    with open(path, "w", encoding="utf8") as file:
        for line in out:
            file.write(json.dumps(line) + "\n")
    return len(out), done


def opened(repository, env, size, engine, resume, last, runs):
    """Milliseconds until words are seen, in some runs, and the last run's memory."""
    times = []
    for _ in range(runs):
        arguments = ["--engine", engine] + (["--resume"] if resume else [])
        terminal = Terminal(repository, env, size, arguments)
        times.append(terminal.until(last) * 1000)
        terminal.rest(2)
        memory = terminal.memory()
        terminal.end()
    return times, memory


def keys(repository, env, size, folder, count):
    """Milliseconds from each of many keys to its letter, while an answer comes."""
    words = "so it is and as it was " * (count * 2)
    engine = script(folder, {"when": "go", "steps": [{"stream": {"text": words, "every_ms": 20}}]})
    terminal = Terminal(repository, env, size, ["--engine", engine, "--resume"])
    terminal.until(READY)
    terminal.rest(3)
    say(terminal, "go on")
    # Most of what comes is drawn in pieces: that it comes is all that can be waited for.
    terminal.rest(2)
    end = time.perf_counter() + 1
    while time.perf_counter() < end:
        terminal.read(0.1)
    if len(terminal.seen) < 500:
        raise RuntimeError(f"no answer comes: {terminal.seen!r}")
    terminal.seen = b""
    draw = random.Random(7)
    times = []
    for n in range(count):
        terminal.rest(draw.uniform(0.005, 0.03))
        # Letters that stand nowhere else; a line is emptied before it wraps.
        if n % 20 == 0:
            terminal.type("\x15")
            terminal.rest(0.1)
        letter = "QXZ"[n % 3].encode()
        begun = time.perf_counter()
        terminal.type(letter.decode())
        while letter not in terminal.seen:
            terminal.read(0.5)
            if time.perf_counter() - begun > 5:
                raise RuntimeError("a key was never drawn")
        times.append((time.perf_counter() - begun) * 1000)
        terminal.seen = b""
    memory = terminal.memory()
    terminal.end()
    return sorted(times), memory


def idle(repository, env, size, engine):
    """Seconds of the processor in ten seconds of nothing."""
    terminal = Terminal(repository, env, size, ["--engine", engine, "--resume"])
    terminal.until(READY)
    terminal.rest(5)
    before = terminal.processor()
    terminal.rest(10)
    used = terminal.processor() - before
    terminal.end()
    return used


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--events", type=int, default=2000)
    arguments.add_argument("--patches", type=int, default=200)
    arguments.add_argument("--keys", type=int, default=1000)
    asked = arguments.parse_args()
    folder = tempfile.mkdtemp()
    try:
        return bench(folder, asked)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def bench(folder, asked):
    repository = os.path.join(folder, "greetings")
    os.makedirs(os.path.join(repository, "src"))
    with open(os.path.join(repository, FILE), "w", encoding="utf8") as file:
        file.write(CODE)
    for command in (["init", "-q"], ["add", "."],
                    ["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "one"]):
        subprocess.run(["git", "-C", repository, *command], check=True)
    env = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "HOMEBODY_"))}
    env.update(TERM="xterm-256color", COLORTERM="truecolor", HOME=folder)
    for name in ("CONFIG", "DATA", "CACHE", "STATE"):
        env[f"XDG_{name}_HOME"] = os.path.join(folder, name.lower())
    path, lines = record(folder, repository, env)
    count, patches = lengthened(path, lines, asked.events, asked.patches)
    print(f"{count} records, {patches} patches, {os.path.getsize(path) / 1e6:.1f} MB")
    missed = []

    def bar(name, figure):
        if figure > BARS[name]:
            missed.append(f"{name}: {figure:.2f}, and {BARS[name]:g} is the bar")

    engine = script(folder, {"when": "nothing", "steps": [{"text": "none"}]})
    for size in ((120, 40), (200, 60)):
        print(f"{size[0]}x{size[1]}")
        new, small = opened(repository, env, size, engine, False, READY, 5)
        long, large = opened(repository, env, size, engine, True, b"END.", 5)
        print(f"  open: new {statistics.median(new):.0f} ms, long {statistics.median(long):.0f} ms "
              f"(longest of 5: {max(long):.0f})")
        bar("open", statistics.median(long))
        times, streaming = keys(repository, env, size, folder, asked.keys)
        at = times[min(len(times) - 1, len(times) * 99 // 100)]
        print(f"  key: median {statistics.median(times):.2f} ms, 99 of 100 within {at:.2f} ms, longest {times[-1]:.2f} ms")
        bar("key", at)
        engine = script(folder, {"when": "nothing", "steps": [{"text": "none"}]})
        used = idle(repository, env, size, engine)
        print(f"  idle: {used:.2f} s of the processor in 10 s")
        bar("idle", used)
        print(f"  memory: new {small:.1f} MB, long {large:.1f} MB, while an answer comes {streaming:.1f} MB")
        bar("memory", max(large, streaming))
    for line in missed:
        print(line)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
