#!/bin/sh
# Publishes app/assets/NAME.EXT as app/static/NAME.<first 8 hex of its SHA-256>.EXT, and writes
# manifest.json, which maps the plain names to those. A name that holds its content can be cached
# for ever and never has to be overwritten.
set -eu
cd "$(dirname "$0")"
rm -f static/*.[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f].*
entries=
for file in assets/*; do
  name=${file##*/}
  hash=$(sha256sum "$file" | cut -c1-8)
  target=${name%.*}.$hash.${name##*.}
  cp "$file" "static/$target"
  entries="$entries${entries:+,
}  \"$name\": \"$target\""
done
printf '{\n%s\n}\n' "$entries" > static/manifest.json
