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
cp -r Makefile Dockerfile app data src tests "$work/broken"
patch=$PWD/broken-release.patch
git -C "$work/broken" init -q  # or, below another repository, git apply would skip all without a word
if git -C "$work/broken" apply --check --reverse "$patch" 2>/dev/null; then
  echo 'This is the broken release: its image is not tested.'
  exit
fi
python3 tests/check.py --image 200 out/bootstrap

cd "$work/broken"
git apply "$patch"
make -s
python3 tests/check.py out/bootstrap
python3 tests/check.py --image 503 out/bootstrap
