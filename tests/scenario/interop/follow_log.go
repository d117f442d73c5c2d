// Follows a log over its pages alone, with the public Go packages golang.org/x/mod/sumdb/note and tlog.
//
//	follow_log URL LOG-KEY
//
// Opens /checkpoint, reads every leaf through tiles that tlog authenticates against it, every entry, and makes the root again out
// of the entries. Prints a line "ok ..." with the size at the end; what does not hold ends it.
package main

import (
	"encoding/binary"
	"fmt"
	"io/ioutil"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8
const width = 1 << height

func must(err error, what string) {
	if err != nil {
		fmt.Printf("not ok %s - %v\n", what, err)
		os.Exit(1)
	}
}

func expect(good bool, what string) {
	if !good {
		must(fmt.Errorf("it is not so"), what)
	}
}

type pages struct{ url string }

func (p pages) get(path string) ([]byte, error) {
	answer, err := http.Get(p.url + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := ioutil.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != 200 {
		err = fmt.Errorf("%s: %s: %s", path, answer.Status, body)
	}
	return body, err
}

// What tlog-tiles leaves out of the paths of x/mod: the height, which is always 8.
func pathOf(tile tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
}

func (p pages) Height() int { return height }
func (p pages) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range tiles {
		body, err := p.get(pathOf(tile))
		if err != nil {
			return nil, err
		}
		read = append(read, body)
	}
	return read, nil
}
func (p pages) SaveTiles(tiles []tlog.Tile, data [][]byte) {}

// The bundle of entries from `first` on.
func (p pages) entries(first, size int64) [][]byte {
	tile := tlog.Tile{H: height, L: 0, N: first / width, W: width}
	if size-first < width {
		tile.W = int(size - first)
	}
	path := strings.Replace(pathOf(tile), "tile/0/", "tile/entries/", 1)
	body, err := p.get(path)
	must(err, path)
	var entries [][]byte
	for len(body) > 0 {
		expect(len(body) >= 2, "a bundle's entry has a size")
		end := 2 + int(binary.BigEndian.Uint16(body))
		expect(end <= len(body), "a bundle's entry is whole")
		entries = append(entries, body[2:end])
		body = body[end:]
	}
	expect(len(entries) == tile.W, path+" has as many entries as it says")
	return entries
}

func main() {
	p := pages{os.Args[1]}
	verifier, err := note.NewVerifier(os.Args[2])
	must(err, "the log's key")
	signed, err := p.get("checkpoint")
	must(err, "/checkpoint")
	opened, err := note.Open(signed, note.VerifierList(verifier))
	must(err, "note.Open")
	lines := strings.Split(opened.Text, "\n")
	expect(len(lines) == 4 && lines[0] == verifier.Name(), "a checkpoint has three lines")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "the size")
	root, err := tlog.ParseHash(lines[2])
	must(err, "the root")

	var stored []tlog.Hash
	own := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	authenticated := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, p)
	for first := int64(0); first < size; first += width {
		entries := p.entries(first, size)
		var indexes []int64
		for i := range entries {
			indexes = append(indexes, tlog.StoredHashIndex(0, first+int64(i)))
		}
		leaves, err := authenticated.ReadHashes(indexes)
		must(err, "leaves through tiles")
		for i, entry := range entries {
			expect(tlog.RecordHash(entry) == leaves[i], fmt.Sprintf("entry %d is its leaf", first+int64(i)))
			hashes, err := tlog.StoredHashes(first+int64(i), entry, own)
			must(err, "tlog.StoredHashes")
			stored = append(stored, hashes...)
		}
	}
	made, err := tlog.TreeHash(size, own)
	must(err, "tlog.TreeHash")
	expect(made == root, "the root made from the entries is the checkpoint's")
	fmt.Printf("ok %d\n", size)
}
