#!/bin/sh
# Builds meals and tests it; then makes the broken release in a folder of its own and tests that it
# passes everything but the health check of its image. Needs make, g++, git and python3.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make -s
python3 tests/check.py out/bootstrap

cp -r app "$work"
"$work/app/fingerprint.sh"
diff -r app/static "$work/app/static"  # else run `make assets`

mkdir "$work/broken"
cp -r Makefile app data src tests "$work/broken"
cd "$work/broken"
git init -q  # in a subfolder of a repository, git apply would skip all files without a word
if git apply --check --reverse "$OLDPWD/broken-release.patch" 2>/dev/null; then
  echo 'This is the broken release itself.'
  exit
fi
git apply "$OLDPWD/broken-release.patch"
make -s
python3 tests/check.py --broken out/bootstrap
