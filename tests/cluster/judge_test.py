#!/usr/bin/env python3
"""The judge sees what it is for."""

import unittest

from judge import expected, judge, parts


def stored(transactions):
    return [expected(f"1/{n}/{part}") for n in transactions for part in range(parts(n))]


class Judge(unittest.TestCase):
    def told(self, documents):
        return judge({1: [1, 2, 3]}, documents)[1]

    def test_what_was_written_and_nothing_else_is_right(self):
        self.assertEqual(self.told(stored([1, 2, 3])), [])

    def test_a_missing_document_is_told(self):
        self.assertEqual(self.told(stored([1, 2, 3])[1:]), ["1 objects are missing, such as 1/1/0"])

    def test_a_changed_document_is_told(self):
        for change in ({"celsius": 0.5}, {"filler": "b"}, {"samples": []}, {"more": 1}):
            documents = stored([1, 2, 3])
            documents[3].update(change)
            self.assertEqual(self.told(documents), ["1 objects are changed, such as 1/2/1"])

    def test_a_document_that_is_there_twice_is_told(self):
        documents = stored([1, 2, 3])
        self.assertEqual(self.told([*documents, documents[0]]), ["1 objects are there twice, such as 1/1/0"])

    def test_a_document_that_nobody_wrote_is_told(self):
        self.assertEqual(
            self.told([*stored([1, 2, 3]), {"_id": "1/4/0"}, {"_id": 7}]),
            ["2 objects are of nobody, such as 1/4/0, 7"],
        )


if __name__ == "__main__":
    unittest.main()
