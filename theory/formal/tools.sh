#!/bin/sh
# Coq and the libraries of the proofs: installed from Debian where they are absent.
# REALS=1 asks for MathComp-Analysis too. Status 69, with what is missing, where that can't be done.
set -eu
packages="coq libcoq-mathcomp-algebra libcoq-mathcomp-algebra-tactics libzarith-ocaml-dev"
wanted="algebra_tactics/ring.vo"
if [ -n "${REALS:-}" ]; then
  packages="$packages libcoq-mathcomp-analysis"
  wanted="$wanted analysis/exp.vo"
fi

complete() {
  command -v coqc >/dev/null 2>&1 && command -v ocamlfind >/dev/null 2>&1 || return 1
  for file in $wanted; do
    [ -e "$(coqc -where)/user-contrib/mathcomp/$file" ] || return 1
  done
}

complete && exit 0
stop() {
  echo "The proofs can't be checked here: $1. They need the Debian packages $packages." >&2
  exit 69
}
command -v apt-get >/dev/null 2>&1 || stop "Coq or MathComp is missing and this system has no apt-get"
[ "$(id -u)" = 0 ] || stop "Coq or MathComp is missing and only root may install it"
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages; } >&2 ||
  stop "apt-get could not install Coq and MathComp"
complete || stop "after installing the packages, coqc, ocamlfind or a file of MathComp is still absent"
