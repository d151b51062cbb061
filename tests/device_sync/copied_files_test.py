"""Files that are restored from a copy, and disks that are cloned."""

import os
import shutil
import unittest

from scene import Scene


class CopiedFiles(Scene):
    def setUp(self):
        super().setUp()
        self.server = self.gateway()

    def write_on(self, device, start, end):
        device.stream(start, end)
        device.await_upload()
        self.assertEqual([], device.errors())

    def test_what_is_written_into_a_restored_file_arrives(self):
        device = self.streaming_device(self.server)
        self.write_on(device, 0, 10)
        device.kill()
        file, saved = (os.path.join(device.folder, name) for name in ("file.realm", "saved"))
        shutil.copy(file, saved)
        self.again(device, self.server)
        self.write_on(device, 10, 30)
        device.kill()
        # Versions of the file that were used are used anew.
        os.replace(saved, file)
        self.again(device, self.server)
        self.write_on(device, 30, 60)
        self.assert_arrived(device)

    def test_what_is_written_on_a_device_and_its_clone_arrives(self):
        device = self.streaming_device(self.server)
        self.write_on(device, 0, 10)
        device.kill()
        clone = self.clone_of(device)
        for start in range(10, 40, 10):
            for one in (device, clone):
                self.again(one, self.server)
                self.write_on(one, start, start + 10)
                one.kill()
        self.assert_arrived(device, clone)

    def clone_of(self, device):
        """Another device with the same disk; it streams readings of its own name."""
        clone = self.device(self.server, "clone")
        clone.kill()
        shutil.rmtree(clone.folder)
        shutil.copytree(device.folder, clone.folder, ignore=shutil.ignore_patterns("*.lock", "*.management", "*.note"))
        return clone


if __name__ == "__main__":
    unittest.main()
