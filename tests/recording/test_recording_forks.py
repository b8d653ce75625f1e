"""A forked or spawned child writes a journal of its own under the same trace; nothing is doubled or lost."""

from __future__ import annotations

import os
import signal
import sys

import pytest


def test_a_forked_child_continues_the_trace_in_a_journal_of_its_own(bench):
    result = bench.run("""
        import os
        import flightlog as fl

        with fl.span("parent"):
            with fl.span("before"):
                pass
            pid = os.fork()
            if pid == 0:
                with fl.span("child"), fl.span("grandchild"):
                    pass
                os._exit(0)
            os.waitpid(pid, 0)
            with fl.span("after"):
                pass
    """)
    assert result.returncode == 0, result.stderr
    named = bench.named()
    assert bench.parents() == {
        "parent": None,
        "before": "parent",
        "after": "parent",
        "child": "parent",
        "grandchild": "child",
    }
    assert {span.status for span in named.values()} == {"ok"}
    assert len({span.trace_id for span in named.values()}) == 1
    assert named["child"].process_id == named["grandchild"].process_id
    assert named["child"].process_id != named["parent"].process_id


def test_a_child_that_leaves_the_parent_s_block_does_not_end_the_parent_s_span(bench):
    result = bench.run("""
        import os, sys, time
        import flightlog as fl

        with fl.span("parent"):
            pid = os.fork()
            if pid:
                os.waitpid(pid, 0)
                with fl.span("in parent"):
                    pass
            else:
                with fl.span("in child"):
                    pass
        if pid == 0:
            with fl.span("later in child"):
                pass
    """)
    assert result.returncode == 0, result.stderr
    assert bench.parents() == {
        "parent": None,
        "in parent": "parent",
        "in child": "parent",
        "later in child": "parent",
    }
    assert {span.status for span in bench.spans()} == {"ok"}


def test_ids_of_parent_and_children_never_collide(bench):
    result = bench.run("""
        import os
        import flightlog as fl

        for n in range(5):
            with fl.span(f"warm{n}"):
                pass
        for n in range(4):
            if os.fork() == 0:
                for m in range(200):
                    with fl.span(f"c{n}-{m}"):
                        pass
                os._exit(0)
        for m in range(200):
            with fl.span(f"p-{m}"):
                pass
        for _ in range(4):
            os.wait()
    """)
    assert result.returncode == 0, result.stderr
    spans = bench.spans()
    assert len(spans) == 5 + 4 * 200 + 200
    assert len({span.span_id for span in spans}) == len(spans)


def test_processes_forked_before_anything_was_recorded_have_ids_of_their_own(bench):
    result = bench.run("""
        import os
        import flightlog as fl

        for n in range(3):
            if os.fork() == 0:
                with fl.span(f"child{n}"):
                    pass
                os._exit(0)
        with fl.span("parent"):
            pass
        for _ in range(3):
            os.wait()
    """)
    assert (result.returncode, result.stderr) == (0, "")
    spans = bench.spans()
    assert sorted(span.name for span in spans) == ["child0", "child1", "child2", "parent"]
    for ids in (span.trace_id for span in spans), (span.process_id for span in spans):
        assert len(set(ids)) == 4


def test_a_prefork_server_with_recycled_workers_loses_and_doubles_nothing(bench):
    result = bench.run("""
        import os
        import flightlog as fl

        def serve(worker, requests):
            for n in range(requests):
                with fl.span("request", worker=worker, n=n):
                    with fl.span("query"):
                        pass

        with fl.span("boot"):
            pass
        living = {}
        for worker in range(12):
            pid = os.fork()
            if pid == 0:
                serve(worker, 25)
                os._exit(0)
            living[pid] = worker
            if len(living) == 3:
                living.pop(os.wait()[0])
        while living:
            living.pop(os.wait()[0])
    """)
    assert result.returncode == 0, result.stderr
    spans = bench.spans()
    requests = [(span.attributes["worker"], span.attributes["n"]) for span in spans if span.name == "request"]
    assert sorted(requests) == [(worker, n) for worker in range(12) for n in range(25)]
    assert sum(span.name == "query" for span in spans) == 12 * 25
    assert bench.journals_left() == []


def test_a_fork_while_other_threads_record_wedges_neither_side(bench):
    result = bench.run("""
        import os, threading, time
        import flightlog as fl

        stop = False
        counts = [0] * 3

        def work(n):
            while not stop:
                with fl.span("thread", text="x" * 2000):
                    pass
                counts[n] += 1
                time.sleep(0.0005)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
        for thread in threads:
            thread.start()
        for n in range(15):
            pid = os.fork()
            if pid == 0:
                for _ in range(20):
                    with fl.span("child"):
                        pass
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        stop = True
        for thread in threads:
            thread.join()
        print(sum(counts))
    """)
    assert result.returncode == 0, result.stderr
    spans = bench.spans()
    assert sum(span.name == "child" for span in spans) == 15 * 20
    assert sum(span.name == "thread" for span in spans) == int(result.stdout)
    assert {span.status for span in spans} == {"ok"}


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_continues_the_trace(bench, method):
    result = bench.run(
        """
        import multiprocessing, sys
        import flightlog as fl

        @fl.traced
        def work(n):
            with fl.span(f"inner{n}"):
                return n

        def main():
            context = multiprocessing.get_context(sys.argv[1])
            with fl.span("main"):
                processes = [context.Process(target=work, args=(n,)) for n in range(2)]
                for process in processes:
                    process.start()
                for process in processes:
                    process.join()
                    assert process.exitcode == 0

        if __name__ == "__main__":
            main()
        """,
        method,
    )
    assert result.returncode == 0, result.stderr
    spans = bench.spans()
    main = next(span for span in spans if span.name == "main")
    work = [span for span in spans if span.name == "work"]
    assert sorted(span.input["n"] for span in work) == [0, 1]
    assert {span.parent_id for span in work} == {main.span_id}
    assert {span.trace_id for span in spans} == {main.trace_id}
    assert len({span.process_id for span in work} | {main.process_id}) == 3


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_process_pools_continue_the_trace(bench, method):
    result = bench.run(
        """
        import multiprocessing, sys
        from concurrent.futures import ProcessPoolExecutor
        import flightlog as fl

        def work(n):
            with fl.span(f"work{n}"):
                return n * n

        def main():
            with fl.bind(session="s-1"), fl.span("main"):
                with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(sys.argv[1])) as pool:
                    print(sum(pool.map(work, range(4))))

        if __name__ == "__main__":
            main()
        """,
        method,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "14"
    assert bench.parents() == {"main": None} | {f"work{n}": "main" for n in range(4)}
    assert {span.context["session"] for span in bench.spans()} == {"s-1"}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_pool_s_workers_remember_nothing_of_where_they_were_started(bench, method):
    result = bench.run(
        """
        import multiprocessing, sys
        from concurrent.futures import ProcessPoolExecutor
        import flightlog as fl

        def work(name):
            with fl.span(name):
                return name

        def main():
            context = multiprocessing.get_context(sys.argv[1])
            with ProcessPoolExecutor(1, mp_context=context) as pool, context.Pool(1) as other:
                with fl.bind(user="ada"), fl.span("first"):
                    pool.submit(work, "in first").result()
                    other.map(work, ["mapped in first"])
                pool.submit(work, "alone").result()
                other.apply(work, ("applied alone",))
                with fl.span("second"):
                    pool.submit(work, "in second").result()
                    list(other.imap(work, ["iterated in second"]))

        if __name__ == "__main__":
            main()
        """,
        method,
    )
    assert result.returncode == 0, result.stderr
    assert bench.parents() == {
        "first": None,
        "in first": "first",
        "mapped in first": "first",
        "alone": None,
        "applied alone": None,
        "second": None,
        "in second": "second",
        "iterated in second": "second",
    }
    users = {name: span.context.get("user") for name, span in bench.named().items()}
    assert {name for name, user in users.items() if user} == {"first", "in first", "mapped in first"}


def test_a_killed_child_leaves_its_parent_s_records_alone(bench):
    result = bench.run("""
        import os, signal
        import flightlog as fl

        with fl.span("parent"):
            pid = os.fork()
            if pid == 0:
                with fl.span("child"):
                    with fl.span("done"):
                        pass
                    os.kill(os.getpid(), signal.SIGKILL)
            os.waitpid(pid, 0)
    """)
    assert result.returncode == 0, result.stderr
    assert {name: span.status for name, span in bench.named().items()} == {
        "parent": "ok",
        "done": "ok",
        "child": "interrupted",
    }


def test_a_subprocess_is_not_kept_alive_by_our_files(bench):
    """A program started by exec inherits no lock: the parent's death is seen while the child still runs."""
    result = bench.run(f"""
        import os, subprocess
        import flightlog as fl

        with fl.span("parent"):
            with fl.span("done"):
                pass
            child = subprocess.Popen([{sys.executable!r}, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
            print(child.pid)
            os._exit(0)
    """)
    assert result.returncode == 0
    assert bench.named()["parent"].status == "interrupted"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_started_in_a_capture_record_nothing(bench, method):
    result = bench.run(
        """
        import multiprocessing, sys
        from concurrent.futures import ProcessPoolExecutor
        import flightlog as fl

        def work(n):
            with fl.span("work"):
                return n

        def main():
            context = multiprocessing.get_context(sys.argv[1])
            with fl.capture() as seen, fl.span("main"):
                process = context.Process(target=work, args=(1,))
                process.start()
                process.join()
                with ProcessPoolExecutor(1, mp_context=context) as pool:
                    pool.submit(work, 2).result()
            print([span.name for span in seen.spans])

        if __name__ == "__main__":
            main()
        """,
        method,
    )
    assert (result.stdout.strip(), result.stderr) == ("['main']", "")
    assert bench.spans() == []


def test_a_bare_fork_in_a_capture_records_nothing_in_the_child(bench):
    result = bench.run("""
        import os
        import flightlog as fl

        with fl.capture() as seen:
            with fl.span("main"):
                if not (child := os.fork()):
                    with fl.span("work"):
                        fl.event("in work")
                    fl.event("beside")
                    os._exit(0)
                os.waitpid(child, 0)
        print([span.name for span in seen.spans])
    """)
    assert (result.stdout.strip(), result.stderr) == ("['main']", "")
    assert not bench.home_path.exists()


def test_a_child_that_outlives_its_parent_does_not_keep_the_home_locked(bench):
    """As a daemon or a prefork worker does, after the parent has begun to index."""
    result = bench.run("""
        import os, time
        import flightlog as fl
        from flightlog.recording import recorder

        while recorder.keeper is None or not recorder.keeper.is_indexing:
            with fl.span("parent"):
                time.sleep(0.05)
        pid = os.fork()
        if pid == 0:
            held = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
                    if os.path.exists(f"/proc/self/fd/{fd}")]
            os.write(1, f"held={sum('index.lock' in name for name in held)}\\n".encode())
            os.close(1), os.close(2)
            time.sleep(30)
            os._exit(0)
        os.write(1, f"pid={pid}\\n".encode())
        time.sleep(0.2)
        os._exit(0)
    """)
    said = dict(line.split("=") for line in result.stdout.split())
    held, pid = int(said["held"]), int(said["pid"])
    try:
        assert held == 0
        lock = bench.home.index_lock()
        assert lock.acquire()
        lock.release()
    finally:
        os.kill(pid, signal.SIGKILL)


def test_a_child_of_the_first_moment_can_import_what_our_thread_imports(bench):
    """The thread that is just starting must not be forked in the middle of an import; ten tries, each its own."""
    program = """
        import os, signal, sys, time
        import flightlog as fl

        with fl.span("p"):
            pass
        child = os.fork()
        if child == 0:
            import traceback
            os._exit(0)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if os.waitpid(child, os.WNOHANG) != (0, 0):
                sys.exit(0)
            time.sleep(0.01)
        os.kill(child, signal.SIGKILL)
        sys.exit("the child hangs")
    """
    for _ in range(10):
        done = bench.run(program)
        assert done.returncode == 0, done.stderr
