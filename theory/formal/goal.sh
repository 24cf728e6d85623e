#!/bin/sh
# goal.sh FILE LINE [CHARACTER [LINES]]: the goal of a proof just before that place.
set -eu
file=$1 line=$2 character=${3:-0} lines=${4:-40}
{ head -n $((line - 1)) "$file"; sed -n "${line}p" "$file" | head -c "$character"; echo; echo "Show."; } |
  coqtop -q -w none -Q . Sharprates 2>/dev/null | tail -n "$lines"
