"""What tools/check_arrows.py lets pass and what it refuses, on small trees made for each case."""

import importlib.util
import pathlib
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check_arrows.py"
spec = importlib.util.spec_from_file_location("check_arrows", SCRIPT)
check_arrows = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_arrows)


class CheckArrowsTest(unittest.TestCase):
    def violations(self, files, readmes=True):
        """What is refused in a tree of these files, whose folders all have a README.md or none."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in files.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
                for parent in path.relative_to(root).parents if readmes else ():
                    (root / parent / "README.md").touch()
            return check_arrows.check(root)[0]

    def assert_allowed(self, path, line):
        self.assertEqual(self.violations({path: line + "\n"}), [])

    def assert_refused(self, path, line, reason):
        found = self.violations({path: "// first line\n" + line + "\n"})
        self.assertEqual(len(found), 1, found)
        self.assertIn(f"{path}:2: ", found[0])
        self.assertIn(reason, found[0])

    def test_an_empty_tree_has_nothing_to_refuse(self):
        self.assertEqual(self.violations({}), [])

    def test_along_the_arrows(self):
        for path, target in (
            ("runtime/events/a.cc", "runtime/events/a.h"),
            ("runtime/kernel/a.h", "runtime/events/a.h"),
            ("debug/strace/a.h", "runtime/events/a.h"),
            ("debug/replay/a.h", "debug/record/a.h"),
            ("debug/replay/a.h", "debug/strace/a.h"),
            ("debug/replay/a.h", "debug/context/a.h"),
            ("debug/import/a.h", "debug/record/a.h"),
            ("ipc/wire/a.cc", "ipc/wire/a.h"),
            ("ipc/daemon/a.cc", "runtime/kernel/a.h"),
            ("ipc/daemon/a.cc", "debug/record/a.h"),
            ("ipc/client/a.cc", "ipc/wire/a.h"),
            ("tools/agdb/a.cc", "ipc/client/a.h"),
            ("tests/unit/runtime/events/a_test.cc", "tools/agdb/a.h"),
        ):
            with self.subTest(path=path, target=target):
                self.assert_allowed(path, f'#include "{target}"')

    def test_against_the_arrows(self):
        for path, target in (
            ("runtime/events/a.cc", "runtime/kernel/a.h"),
            ("runtime/kernel/a.cc", "debug/record/a.h"),
            ("debug/record/a.h", "runtime/kernel/a.h"),
            ("debug/record/a.h", "debug/replay/a.h"),
            ("debug/strace/a.h", "debug/replay/a.h"),
            ("debug/strace/a.h", "debug/record/a.h"),
            ("debug/context/a.h", "debug/record/a.h"),
            ("debug/import/a.h", "debug/strace/a.h"),
            ("debug/import/a.h", "ipc/wire/a.h"),
            ("debug/a_new_room/a.h", "debug/record/a.h"),
            ("ipc/wire/a.h", "runtime/events/a.h"),
            ("ipc/daemon/a.h", "ipc/client/a.h"),
            ("ipc/client/a.h", "ipc/daemon/a.h"),
            ("ipc/daemon/a.h", "tools/agdb/a.h"),
            ("debug/replay/a.cc", "tools/agdb/a.h"),
            ("runtime/kernel/a.cc", "tests/unit/a.h"),
            ("tools/agdb/a.cc", "tests/unit/a.h"),
        ):
            with self.subTest(path=path, target=target):
                self.assert_refused(path, f'#include "{target}"', f'"{target}" is not for ')

    def test_no_spelling_hides_an_include(self):
        for line, reason in (
            ("#include <debug/record/a.h>", "is not for runtime/kernel"),
            (' #  include  "debug/record/a.h"', "is not for runtime/kernel"),
            ('#include "runtime/events/../../debug/record/a.h"', "climbs out"),
            ('#include "../events/a.h"', "climbs out"),
            ("#include HEADER", "by macro"),
            ('#include "process.h"', "no path from"),
        ):
            with self.subTest(line=line):
                self.assert_refused("runtime/kernel/a.cc", line, reason)

    def test_a_test_may_name_its_neighbour_alone(self):
        self.assert_allowed("tests/unit/runtime/events/a_test.cc", '#include "fixture.h"')

    def test_a_folder_whose_name_only_begins_alike_is_another_one(self):
        self.assert_refused(
            "debug/replay/a.cc", '#include "debug/recorder/a.h"', "is not for debug/replay"
        )

    def test_heavy_headers_stay_out_of_headers(self):
        heavy = (
            "nlohmann/json.hpp",
            "simdjson.h",
            "boost/asio.hpp",
            "fmt/format.h",
            "re2/re2.h",
            "CLI/CLI.hpp",
        )
        for name in heavy:
            with self.subTest(name=name):
                self.assert_refused("tests/unit/a.h", f"#include <{name}>", "heavy")
                self.assert_allowed("tools/agdb/a.cc", f"#include <{name}>")
        self.assert_allowed("runtime/events/a.h", "#include <vector>")

    def test_sources_where_no_rule_holds(self):
        for path in (
            "runtime/a.h",
            "runtime/a_new_room/a.h",
            "debug/a.h",
            "ipc/a_new_room/a.h",
            "fixtures/a.cc",
        ):
            with self.subTest(path=path):
                self.assertEqual(
                    self.violations({path: ""}),
                    [f"{path}: no rule says what a file in this place may include"],
                )

    def test_each_folder_has_a_readme(self):
        found = self.violations({"debug/record/a.h": "", "fixtures/a.json": ""}, readmes=False)
        self.assertEqual(
            [line.split(":")[0] for line in found], ["debug/", "fixtures/", "debug/record/"]
        )

    def test_all_violations_of_a_file_are_told(self):
        text = '#include "debug/record/a.h"\n#include <vector>\n#include "tools/agdb/a.h"\n'
        found = self.violations({"runtime/kernel/a.cc": text})
        self.assertEqual(
            [line.split(": ")[0] for line in found],
            ["runtime/kernel/a.cc:1", "runtime/kernel/a.cc:3"],
        )


if __name__ == "__main__":
    unittest.main()
