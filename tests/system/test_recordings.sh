# Five real recordings through alsa-lib: the demo's party of five, each node with "alsa:" and
# the simulated card behind it, measured from the captures.  SPDX-License-Identifier: MIT
. tests/system/lib.sh
MUSIC=/usr/share/games/singularity/music
if ! command -v ffmpeg >/dev/null || [ ! -d $MUSIC ]; then
    echo "skip recordings: packages ffmpeg and singularity-music are not installed"
    exit 0
fi
mkdir "$T/music" "$T/demo"
for song in "A New Journey" Aberrations "Advanced Simulacra" Awakening By-Product; do
    ffmpeg -nostdin -loglevel error -ss 20 -t 40 -i "$MUSIC/$song.ogg" -c:a flac \
        -sample_fmt s16 "$T/music/$song.flac" || fail "$song is made a FLAC file"
done
"$PARTY" demo --songs "$T/music" --alsa-plugin "$BUILD/tests/alsa" --keep "$T/demo" --json \
    >"$T/out" 2>"$T/err"
status=$?
line=$(tail -n 1 "$T/out")
echo "figure five recordings through alsa-lib: $line"
check "five real recordings play on five nodes through alsa-lib" [ $status -eq 0 ]
check "p99 at or below 1000 us between any two of the ALSA cards, no underrun" python3 -c "
import json,sys
r=json.loads(sys.argv[1])
sys.exit(not (r['nodes']==5 and r['songs']==5 and r['pairwise_us']['p99']<=1000 and
              r['underruns']==0 and r['played_s']>14 and r['pass']))" "$line"
check "every node had a card of alsa-lib" \
    [ "$(cat "$T"/demo/*/asoundrc | grep -c 'type partytest')" -eq 5 ]
[ $status -eq 0 ] || cat "$T/err" "$T"/demo/*/log
