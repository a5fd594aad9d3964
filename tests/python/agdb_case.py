"""The vocabulary of the Python client's tests."""

import os
import pathlib
import subprocess
import sys
import unittest
from unittest import mock

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tools" / "python"))

import agdb  # noqa: E402
from fake_daemon import SECONDS, FakeDaemon, Socket  # noqa: E402

class AgentCase(unittest.TestCase):
    """A daemon for each test, and an agent that is registered there."""

    def setUp(self):
        self.daemon = FakeDaemon()
        self.addCleanup(self.daemon.stop)
        notices = mock.patch.object(agdb, "_notice")
        self.notices = notices.start()
        self.addCleanup(notices.stop)
        place = Socket(self.daemon.path)
        place.__enter__()
        self.addCleanup(place.__exit__)
        self.agent = agdb.register("test", model="m-1")
        self.assertTrue(self.agent.flush(SECONDS))
        self.addCleanup(self.agent.close)
        self.addCleanup(self.no_faults)

    def no_faults(self):
        stats = self.agent.stats()
        self.assertEqual((stats.faults, stats.last_fault), (0, ""))
        self.assertEqual(self.daemon.bad_lines, [])

    def assert_noticed(self, text):
        """A person was told so on stderr."""
        self.assertIn(text, str([call.args[1] for call in self.notices.call_args_list]))

    def told(self, method, agent=None):
        """The params of all that was told by that method, and arrived, up to now."""
        agent = agent or self.agent
        self.assertTrue(agent.flush(SECONDS))
        # Handed over is not read yet: an answered request is behind all of it.
        agent.gate()
        return self.daemon.of(method, agent.pid)

    def wait_gone(self, agent=None):
        """Waits until the agent's connection has ended."""
        link = (agent or self.agent)._link
        with link.changed:
            self.assertTrue(link.changed.wait_for(lambda: not link.usable(), SECONDS))

    def program(self, text, socket=None, expect=0, **more):
        """Runs a Python program that may import agdb."""
        environment = dict(os.environ, AGDB_SOCKET=socket or self.daemon.path,
                           PYTHONPATH=str(SOURCE / "tools" / "python"))
        done = subprocess.run([sys.executable, "-B", "-c", text], env=environment, text=True,
                              capture_output=True, timeout=60, **more)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done
