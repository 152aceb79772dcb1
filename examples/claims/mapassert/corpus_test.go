package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
)

// The rules over the snippets of testdata/corpus: go test -v -run Corpus prints precision and recall.

var itself, _ = os.Executable()

func TestMain(m *testing.M) {
	if os.Getenv("MAPASSERT_ITSELF") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// place is a line of a corpus.
type place struct {
	file string
	line int
}

// remark is what a comment says of its line.
type remark struct {
	want, strict     int // assertions that can panic: unguarded, and such as the element was found for
	missed, mistaken bool
	snippet          string // the function that the line is a part of
}

var words = regexp.MustCompile(`// ((?:want|strict)(?: want| strict)*)?( in \w+)?\s?(missed|false)?`)

// remarks reads a folder's comments, and the names of its snippets.
func remarks(t *testing.T, folder string) (map[place]remark, []string) {
	found, snippets := map[place]remark{}, []string{}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no corpus: %v", folder, err)
	}
	for _, file := range files {
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		inside := map[int]string{}
		for _, each := range parsed.Decls {
			f, ok := each.(*ast.FuncDecl)
			if !ok {
				continue
			}
			for line := set.Position(f.Pos()).Line; line <= set.Position(f.End()).Line; line++ {
				inside[line] = f.Name.Name
			}
			if f.Name.IsExported() && f.Recv == nil && f.Type.TypeParams == nil {
				snippets = append(snippets, f.Name.Name)
			}
		}
		source, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(source)
		for n := 1; lines.Scan(); n++ {
			said := words.FindStringSubmatch(lines.Text())
			if said == nil || inside[n] == "" || said[1]+said[3] == "" {
				continue
			}
			snippet := inside[n]
			if said[2] != "" {
				snippet = strings.TrimPrefix(said[2], " in ")
			}
			found[place{filepath.Base(file), n}] = remark{
				want: strings.Count(said[1], "want"), strict: strings.Count(said[1], "strict"),
				missed: said[3] == "missed", mistaken: said[3] == "false", snippet: snippet,
			}
		}
		source.Close()
	}
	return found, snippets
}

// findings runs this program over a folder.
func findings(t *testing.T, folder, rule string, flags ...string) map[place]int {
	arguments := append(append([]string{"-json", "-" + rule}, flags...), ".")
	command := exec.Command(itself, arguments...)
	command.Dir = folder
	command.Env = append(os.Environ(), "MAPASSERT_ITSELF=1")
	command.Stderr = os.Stderr
	printed, _ := command.Output() // the exit code tells of findings
	var packages map[string]map[string][]struct{ Posn string }
	if err := json.Unmarshal(printed, &packages); err != nil {
		t.Fatalf("%v: %v\n%s", arguments, err, printed)
	}
	found := map[place]int{}
	for _, rules := range packages {
		for _, each := range rules[rule] {
			parts := strings.Split(filepath.Base(each.Posn), ":")
			var line int
			fmt.Sscan(parts[1], &line)
			found[place{parts[0], line}]++
		}
	}
	return found
}

// score compares what a rule found with what it was to find; every difference has to be a known one.
func score(t *testing.T, name string, said map[place]remark, found map[place]int, wanted func(remark) int, snippets int) {
	right, wrong, missed := 0, 0, 0
	all := map[place]bool{}
	for at := range said {
		all[at] = true
	}
	for at := range found {
		all[at] = true
	}
	for at := range all {
		remark := said[at]
		want, got := wanted(remark), found[at]
		right += min(want, got)
		wrong += max(got-want, 0)
		missed += max(want-got, 0)
		switch {
		case want > got && !remark.missed:
			t.Errorf("%s: %s:%d: found %d of %d", name, at.file, at.line, got, want)
		case got > want && !remark.mistaken:
			t.Errorf("%s: %s:%d: found %d, where %d are right", name, at.file, at.line, got, want)
		case want == got && (want > 0 && remark.missed || got == 0 && remark.mistaken):
			t.Errorf("%s: %s:%d: is found as it should be, the comment says otherwise", name, at.file, at.line)
		}
	}
	fmt.Printf("%-20s %d snippets, %d findings: precision %.3f (%d wrong), recall %.3f (%d missed)\n", name, snippets,
		right+wrong, ratio(right, right+wrong), wrong, ratio(right, right+missed), missed)
}

func ratio(part, whole int) float64 { return float64(part) / float64(whole) }

func TestCorpus(t *testing.T) {
	said, snippets := remarks(t, "testdata/corpus/elements")
	if len(snippets) < 60 {
		t.Errorf("%d snippets", len(snippets))
	}
	score(t, "mapassert", said, findings(t, "testdata/corpus/elements", "mapassert"),
		func(r remark) int { return r.want }, len(snippets))
	score(t, "mapassert -strict", said, findings(t, "testdata/corpus/elements", "mapassert", "-mapassert.strict"),
		func(r remark) int { return r.want + r.strict }, len(snippets))
	loops, snippets := remarks(t, "testdata/corpus/loops")
	score(t, "hotformat", loops, findings(t, "testdata/corpus/loops", "hotformat"),
		func(r remark) int { return r.want }, len(snippets))
}

const caller = `package main

import (
	"fmt"
	"runtime"

	"corpus/elements"
)

type m = map[string]interface{}

func panics(f func(map[string]interface{}) interface{}, given m) (is bool) {
	defer func() {
		if reason := recover(); reason != nil {
			_, is = reason.(*runtime.TypeAssertionError)
			if !is {
				panic(reason)
			}
		}
	}()
	f(given)
	return false
}

func main() {
	number := 7
	values := []interface{}{nil, "text", 7, true, &number, m{}, m{"k": 7}, m{"k": "text"}, []interface{}{1},
		func() int { return 1 }, fmt.Errorf("x"), elements.Number(1), elements.Text("x")}
	for name, f := range map[string]func(map[string]interface{}) interface{}{
%s	} {
		is := panics(f, m{})
		for _, k := range values {
			is = panics(f, m{"k": k}) || is
			for _, n := range values {
				is = panics(f, m{"k": k, "n": n}) || is
			}
		}
		fmt.Println(name, is)
	}
}
`

// What the comments say is so: a snippet panics, given one map or another, if a line of it is to be found.
func TestCorpusIsTrue(t *testing.T) {
	said, snippets := remarks(t, "testdata/corpus/elements")
	can := map[string]bool{}
	for _, remark := range said {
		can[remark.snippet] = can[remark.snippet] || remark.want+remark.strict > 0
	}
	folder := t.TempDir()
	var table strings.Builder
	for _, name := range snippets {
		fmt.Fprintf(&table, "\t\t%q: elements.%s,\n", name, name)
	}
	main := filepath.Join(folder, "main.go")
	if err := os.WriteFile(main, []byte(fmt.Sprintf(caller, table.String())), 0o600); err != nil {
		t.Fatal(err)
	}
	corpus, err := filepath.Abs("testdata/corpus")
	if err != nil {
		t.Fatal(err)
	}
	overlay, _ := json.Marshal(map[string]map[string]string{
		"Replace": {filepath.Join(corpus, "run", "main.go"): main},
	})
	file := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("go", "run", "-overlay", file, "./run")
	command.Dir = corpus
	command.Stderr = os.Stderr
	printed, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(printed)), "\n")
	sort.Strings(lines)
	if len(lines) != len(snippets) {
		t.Fatalf("%d snippets were run of %d", len(lines), len(snippets))
	}
	for _, line := range lines {
		name, panics, _ := strings.Cut(line, " ")
		if can[name] != (panics == "true") {
			t.Errorf("%s: panics %s, its comments say %t", name, panics, can[name])
		}
	}
}
