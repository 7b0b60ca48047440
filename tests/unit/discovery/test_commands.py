"""The forms of archive_command and restore_command that people write."""

from __future__ import annotations

import pytest

from stacks.providers.local.discovery.commands import Archiving, parse, parse_script


@pytest.mark.parametrize(
    ("command", "place", "suffix"),
    [
        ("cp %p /srv/wal/%f", "/srv/wal", ""),
        ("test ! -f /srv/wal/%f && cp %p /srv/wal/%f", "/srv/wal", ""),
        ('test ! -f "/srv/my wal/%f" && cp "%p" "/srv/my wal/%f"', "/srv/my wal", ""),
        ("cp %p /srv/wal/%f.part && mv /srv/wal/%f.part /srv/wal/%f", "/srv/wal", ""),
        ("cp -i %p /srv/wal//%f </dev/null", "/srv/wal", ""),
        ('cmp -s "%p" "/srv/wal/%f" || (test ! -e "/srv/wal/%f" && cp "%p" "/srv/wal/%f")', "/srv/wal", ""),
        ("gzip < %p > /srv/wal/%f.gz", "/srv/wal", ".gz"),
        ("gzip -c %p > /srv/wal/%f.gz.tmp; mv /srv/wal/%f.gz.tmp /srv/wal/%f.gz", "/srv/wal", ".gz"),
        ("lz4 -q -z %p /srv/wal/%f.lz4", "/srv/wal", ".lz4"),
        ("zstd -q %p -o /srv/wal/%f.zst", "/srv/wal", ".zst"),
        ("dd if=%p of=/srv/wal/%f bs=1M", "/srv/wal", ""),
        ("rsync -a %p /srv/wal/%f", "/srv/wal", ""),
        ("install -m 640 %p ../wal/%f", "../wal", ""),
        ("cp /srv/wal/%f %p", "/srv/wal", ""),
        ("gunzip < /srv/wal/%f.gz > %p", "/srv/wal", ".gz"),
    ],
)
def test_a_folder_is_read_out_of_a_command(command: str, place: str, suffix: str) -> None:
    assert parse(command) == Archiving("folder", place, suffix)


@pytest.mark.parametrize(
    ("command", "kind", "place"),
    [
        ("rsync -a %p backup@store:/srv/wal/%f", "remote", "backup@store:/srv/wal"),
        ("scp %p store:wal/%f", "remote", "store:wal"),
        ("aws s3 cp %p s3://bucket/wal/%f", "url", "s3://bucket/wal"),
        ("gsutil cp %p gs://bucket/%f", "url", "gs://bucket"),
        ("pgbackrest --stanza=main archive-push %p", "pgbackrest", "main"),
        ("pgbackrest --config /etc/x.conf --stanza main archive-push %p", "pgbackrest", "main"),
        ("/usr/bin/pgbackrest --stanza=main archive-get %f %p", "pgbackrest", "main"),
        ("barman-wal-archive backup shop %p", "barman", "shop"),
        ("barman-wal-archive -U barman backup shop %p", "barman", "shop"),
        ("barman-cloud-wal-archive s3://bucket/x shop %p", "barman-cloud", "shop"),
        ("envdir /etc/wal-g.d/env wal-g wal-push %p", "wal-g", ""),
        ("WALG_FILE_PREFIX=/srv/walg wal-g wal-push %p", "wal-g", ""),
        ("/usr/local/bin/archive %p %f", "script", "/usr/local/bin/archive"),
        ("", "none", ""),
        ("/bin/true", "none", ""),
        (":", "none", ""),
        ("(disabled)", "none", ""),
        ("my archiver's odd command", "unknown", "quotes that do not close"),
        ("curl -u me:hunter2 -T - http://there", "unknown", "curl"),
    ],
)
def test_what_is_no_folder_is_told_apart(command: str, kind: str, place: str) -> None:
    found = parse(command)
    assert (found.kind, found.place) == (kind, place)


def test_options_of_tools_are_kept() -> None:
    assert (
        parse("pgbackrest --config=/etc/x.conf --stanza=main archive-push %p").option("config")
        == "/etc/x.conf"
    )
    assert parse("envdir /etc/wal-g.d/env wal-g wal-push %p").option("envdir") == "/etc/wal-g.d/env"
    assert parse("WALG_FILE_PREFIX=/srv/g wal-g wal-push %p").option("WALG_FILE_PREFIX") == "/srv/g"
    assert parse("barman-wal-archive backup shop %p").option("host") == "backup"


@pytest.mark.parametrize(
    ("command", "script", "place"),
    [
        ("/x/a.sh %p %f", '#!/bin/sh\ncp "$1" /srv/wal/$2\n', "/srv/wal"),
        (
            "/x/a.sh %p %f",
            'ARCHIVE=/srv/wal\n# a word\nset -e\ngzip -c "$1" > "$ARCHIVE/${2}.gz"\n',
            "/srv/wal",
        ),
        ("/x/a.sh %p %f /srv/wal", "exec cp $1 $3/$2\n", "/srv/wal"),
        ("/x/a.sh %p", "exec pgbackrest --stanza=main archive-push $1\n", "main"),
    ],
)
def test_a_script_is_read_with_its_arguments_put_in(command: str, script: str, place: str) -> None:
    assert parse_script(script, parse(command)).place == place


def test_a_script_that_says_nothing_is_unknown() -> None:
    found = parse_script("#!/usr/bin/python3\nimport archiver\n", parse("/x/a.py %p %f"))
    assert found == Archiving("unknown", "/x/a.py")
