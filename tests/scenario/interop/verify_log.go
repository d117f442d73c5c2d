// Holds what the collector and its witness made against the public Go packages golang.org/x/mod/sumdb/note and tlog.
//
//	verify_log LOG-KEY WITNESS-KEY FOLDER
//
// FOLDER holds requests to the witness (N.request), the witness's answers (N.answer), in the order of N, and maybe exported
// proofs (*.tlog-proof). Prints a line "ok NAME" for each thing that holds; what does not hold ends it.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io/ioutil"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

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

// A cosigner of type 4, which the package does not know.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }
func (c *cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	time := binary.BigEndian.Uint64(signature)
	message := append([]byte(fmt.Sprintf("cosignature/v1\ntime %d\n", time)), text...)
	return ed25519.Verify(c.key, message, signature[8:])
}

func newCosigner(vkey string) *cosigner {
	parts := strings.SplitN(vkey, "+", 3)
	expect(len(parts) == 3, "the witness's verifier key has three parts")
	key, err := base64.StdEncoding.DecodeString(parts[2])
	must(err, "the witness's key is base64")
	expect(len(key) == 33 && key[0] == 4, "the witness's key is of type 4")
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	hash := binary.BigEndian.Uint32(sum[:])
	expect(fmt.Sprintf("%08x", hash) == parts[1], "the witness's key id is that of its name and key")
	return &cosigner{parts[0], hash, ed25519.PublicKey(key[1:])}
}

// A checkpoint, by the text that was signed.
func parseTree(text string) tlog.Tree {
	lines := strings.Split(text, "\n")
	expect(len(lines) == 4 && lines[3] == "", "a checkpoint has three lines")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "a checkpoint's size")
	hash, err := tlog.ParseHash(lines[2])
	must(err, "a checkpoint's root")
	return tlog.Tree{N: size, Hash: hash}
}

func parseProof(lines []string) []tlog.Hash {
	var proof []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		must(err, "a line of a proof")
		proof = append(proof, hash)
	}
	return proof
}

func read(path string) string {
	bytes, err := ioutil.ReadFile(path)
	must(err, path)
	return string(bytes)
}

// Each request's checkpoint opens, its cosignature with it, and its consistency proof is good.
func checkRequests(folder string, log note.Verifier, witness *cosigner) {
	var newest tlog.Tree
	proofs := 0
	count := 0
	for i := 0; ; i++ {
		path := filepath.Join(folder, fmt.Sprintf("%d.request", i))
		if _, err := os.Stat(path); err != nil {
			break
		}
		count++
		parts := strings.SplitN(read(path), "\n\n", 2)
		expect(len(parts) == 2, "a request has a blank line")
		head := strings.Split(parts[0], "\n")
		old, err := strconv.ParseInt(strings.TrimPrefix(head[0], "old "), 10, 64)
		must(err, "a request's old size")
		signed := parts[1] + read(filepath.Join(folder, fmt.Sprintf("%d.answer", i)))
		opened, err := note.Open([]byte(signed), note.VerifierList(log, witness))
		must(err, "note.Open of a cosigned checkpoint")
		expect(len(opened.Sigs) == 2 && len(opened.UnverifiedSigs) == 0, "both signatures count")
		expect(strings.HasPrefix(opened.Text, log.Name()+"\n"), "the first line is the origin")
		tree := parseTree(opened.Text)
		expect(old == newest.N, "the old size is that of the checkpoint before")
		proof := parseProof(head[1:])
		if old > 0 && old < tree.N {
			must(tlog.CheckTree(tlog.TreeProof(proof), tree.N, tree.Hash, old, newest.Hash), "tlog.CheckTree")
			expect(tlog.CheckTree(tlog.TreeProof(proof), tree.N, tree.Hash, old, tree.Hash) != nil, "another old root is refused")
			proofs++
		} else {
			expect(len(proof) == 0, "no proof where none is due")
		}
		newest = tree
		refuse(signed, log, witness)
	}
	expect(count > 0 && proofs > 0, "there were requests with proofs")
	fmt.Printf("ok %d checkpoints and cosignatures open with note.Open\n", count)
	fmt.Printf("ok %d consistency proofs hold with tlog.CheckTree\n", proofs)
}

// The same note with a byte of the text, of the log's signature or of the cosignature changed does not open.
func refuse(signed string, log note.Verifier, witness *cosigner) {
	at := strings.Index(signed, "\n") + 1
	for _, place := range []int{at, strings.Index(signed, "\n\n") - 3, strings.LastIndex(signed, " ") + 20, len(signed) - 8} {
		bad := []byte(signed)
		if bad[place] == 'A' || bad[place] == '1' {
			bad[place]++
		} else {
			bad[place] = 'A'
		}
		if bytes.Equal(bad, []byte(signed)) {
			continue
		}
		opened, err := note.Open(bad, note.VerifierList(log, witness))
		expect(err != nil || len(opened.Sigs) < 2, "an altered checkpoint is refused")
	}
}

// c2sp.org/tlog-proof@v1 with a batch's entry in its extra data.
func checkProof(path string, log note.Verifier, witness *cosigner) {
	parts := strings.SplitN(read(path), "\n\n", 2)
	expect(len(parts) == 2, "a proof has a blank line")
	lines := strings.Split(parts[0], "\n")
	expect(lines[0] == "c2sp.org/tlog-proof@v1" && strings.HasPrefix(lines[1], "extra ") && strings.HasPrefix(lines[2], "index "),
		"a proof's first lines")
	extra, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	must(err, "extra data")
	expect(len(extra) > 16+416, "extra data hold an entry")
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	must(err, "an index")
	opened, err := note.Open([]byte(parts[1]), note.VerifierList(log, witness))
	must(err, "note.Open of a proof's checkpoint")
	expect(len(opened.Sigs) == 2, "a proof's checkpoint is cosigned")
	tree := parseTree(opened.Text)
	leaf := tlog.RecordHash(extra[16 : 16+416])
	must(tlog.CheckRecord(tlog.RecordProof(parseProof(lines[3:])), tree.N, tree.Hash, index, leaf), "tlog.CheckRecord")
	extra[20] ^= 1
	leaf = tlog.RecordHash(extra[16 : 16+416])
	expect(tlog.CheckRecord(tlog.RecordProof(parseProof(lines[3:])), tree.N, tree.Hash, index, leaf) != nil,
		"an altered entry is refused")
}

func main() {
	expect(len(os.Args) == 4, "three arguments")
	log, err := note.NewVerifier(os.Args[1])
	must(err, "note.NewVerifier of the log's key")
	fmt.Println("ok the log's verifier key is taken by note.NewVerifier")
	witness := newCosigner(os.Args[2])
	fmt.Println("ok the witness's verifier key is of type 4")
	checkRequests(os.Args[3], log, witness)
	proofs, err := filepath.Glob(filepath.Join(os.Args[3], "*.tlog-proof"))
	must(err, "the folder")
	sort.Strings(proofs)
	for _, path := range proofs {
		checkProof(path, log, witness)
	}
	if len(proofs) > 0 {
		fmt.Printf("ok %d inclusion proofs hold with tlog.CheckRecord\n", len(proofs))
	}
}
