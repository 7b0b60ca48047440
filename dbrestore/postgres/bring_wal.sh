#!/bin/sh
# restore_command of an instance whose WAL is fetched by dbrestore/postgres/feeding.py.
#
# Called in the data directory with the name of the file and the path that PostgreSQL wants it at. It moves
# the file in where it lies ready, else asks for it and waits. Exit status as PostgreSQL reads it (manual,
# "restore_command"): 0 it is there, 1 the archive has no such file, above 125 recovery must not go on.
spool=reforge_wal
name=$1
target=$2
patience=600 # turns of 0.05 s without a heartbeat: the one who fetches is gone
beat=
silent=0
while :; do
    if [ -e "$spool/ready/$name" ]; then
        rm -f "$spool/want/$name" # before the file goes: a request left behind would have it fetched again
        mv "$spool/ready/$name" "$target" && exit 0
        [ -e "$spool/ready/$name" ] && exit 200 # it lies there and cannot be moved: mv has said why
    fi
    if [ -e "$spool/absent/$name" ]; then
        rm -f "$spool/want/$name"
        exit 1
    fi
    if [ -e "$spool/failed" ]; then
        cat "$spool/failed" >&2
        exit 200
    fi
    kill -0 "$PPID" 2>/dev/null || exit 200 # nobody waits for the file any more
    true >"$spool/want/$name" || exit 200 # not ":", whose failure ends the shell with 2, the end of the archive
    now=
    read -r now <"$spool/beat"
    if [ "$now" = "$beat" ]; then silent=$((silent + 1)); else silent=0; fi
    beat=$now
    if [ "$silent" -gt "$patience" ]; then
        echo "Reforge no longer fetches WAL for this restore; run the same command again to go on." >&2
        exit 200
    fi
    sleep 0.05
done
