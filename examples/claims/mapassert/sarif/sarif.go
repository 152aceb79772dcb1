// Package sarif writes what analyzers found as SARIF 2.1.0, from the JSON that they print.
package sarif

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Rule is an analyzer. Level is one of SARIF's: note, warning, error.
type Rule struct{ ID, Level, Doc string }

type (
	log struct {
		Schema  string `json:"$schema"`
		Version string `json:"version"`
		Runs    []run  `json:"runs"`
	}
	run struct {
		Tool        tool         `json:"tool"`
		Invocations []invocation `json:"invocations"`
		ColumnKind  string       `json:"columnKind"`
		Results     []result     `json:"results"`
	}
	tool struct {
		Driver driver `json:"driver"`
	}
	driver struct {
		Name  string       `json:"name"`
		Rules []descriptor `json:"rules"`
	}
	descriptor struct {
		ID            string        `json:"id"`
		Short         text          `json:"shortDescription"`
		Full          text          `json:"fullDescription"`
		Configuration configuration `json:"defaultConfiguration"`
	}
	configuration struct {
		Level string `json:"level"`
	}
	text struct {
		Text string `json:"text"`
	}
	invocation struct {
		IsSuccessful  bool           `json:"executionSuccessful"`
		Notifications []notification `json:"toolExecutionNotifications,omitempty"`
	}
	notification struct {
		Level   string `json:"level"`
		Message text   `json:"message"`
	}
	result struct {
		RuleID    string     `json:"ruleId"`
		RuleIndex int        `json:"ruleIndex"`
		Level     string     `json:"level"`
		Message   text       `json:"message"`
		Locations []location `json:"locations"`
	}
	location struct {
		Physical physical `json:"physicalLocation"`
	}
	physical struct {
		Artifact artifact `json:"artifactLocation"`
		Region   region   `json:"region"`
	}
	artifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId,omitempty"`
	}
	region struct {
		Line   int `json:"startLine"`
		Column int `json:"startColumn,omitempty"`
	}
)

// finding is one of the JSON that go vet and the checkers of x/tools print, by package and analyzer.
type finding struct {
	Place   string `json:"posn"`
	Message string `json:"message"`
}

// Write reads the JSON of go vet -json or of a checker's -json and writes SARIF. Files below root are named from
// there. A package and its test variant report a line twice: it is written once.
func Write(w io.Writer, r io.Reader, name string, rules []Rule, root string) error {
	places := map[string]int{}
	described := []descriptor{}
	for i, rule := range rules {
		places[rule.ID] = i
		short, _, _ := strings.Cut(rule.Doc, "\n")
		described = append(described, descriptor{rule.ID, text{short}, text{rule.Doc}, configuration{rule.Level}})
	}
	results := []result{}
	files := sources{root, map[string][]string{}}
	done := invocation{IsSuccessful: true}
	err := packages(r, func(analyzer string, found json.RawMessage) error {
		var failed struct {
			Error string `json:"error"`
			Err   string `json:"err"`
		}
		if json.Unmarshal(found, &failed) == nil { // an object: the analyzer failed
			done.IsSuccessful = false
			done.Notifications = append(done.Notifications, notification{"error", text{analyzer + " failed: " + failed.Error + failed.Err}})
			return nil
		}
		var findings []finding
		if err := json.Unmarshal(found, &findings); err != nil {
			return err
		}
		place, isOurs := places[analyzer]
		if !isOurs {
			return nil
		}
		for _, each := range findings {
			at, err := files.locate(each.Place)
			if err != nil {
				return err
			}
			results = append(results, result{analyzer, place, rules[place].Level, text{each.Message}, []location{{at}}})
		}
		return nil
	})
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", " ")
	return encoder.Encode(log{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs: []run{{
			Tool:        tool{driver{name, described}},
			Invocations: []invocation{done},
			ColumnKind:  "unicodeCodePoints",
			Results:     inOrder(results),
		}},
	})
}

// packages calls do for each analyzer of each package. go vet prints an object a package, and a comment before it.
func packages(r io.Reader, do func(string, json.RawMessage) error) error {
	all, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	var lines [][]byte
	for _, line := range bytes.Split(all, []byte("\n")) {
		if !bytes.HasPrefix(line, []byte("#")) {
			lines = append(lines, line)
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(bytes.Join(lines, []byte("\n"))))
	for {
		var tree map[string]map[string]json.RawMessage
		if err := decoder.Decode(&tree); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("not the JSON of an analyzer: %w", err)
		}
		for _, analyzers := range tree {
			for analyzer, found := range analyzers {
				if err := do(analyzer, found); err != nil {
					return err
				}
			}
		}
	}
}

// sources are the files that places name, by their lines.
type sources struct {
	root  string
	lines map[string][]string
}

// locate reads file:line:column. Go counts columns in bytes, SARIF in characters.
func (s sources) locate(place string) (physical, error) {
	rest, last, _ := cutLast(place)
	file, first, ok := cutLast(rest)
	line, err := strconv.Atoi(first)
	column, columnErr := strconv.Atoi(last)
	if !ok || err != nil || columnErr != nil || line < 1 {
		return physical{}, fmt.Errorf("%q is no file:line:column", place)
	}
	if _, isRead := s.lines[file]; !isRead {
		source, _ := os.ReadFile(file) // without it bytes stand for characters
		s.lines[file] = strings.Split(string(source), "\n")
	}
	if all := s.lines[file]; line <= len(all) && 1 <= column && column <= len(all[line-1]) {
		column = utf8.RuneCountInString(all[line-1][:column-1]) + 1
	}
	if inside, err := filepath.Rel(s.root, file); err == nil && filepath.IsLocal(inside) {
		uri := url.URL{Path: filepath.ToSlash(inside)}
		return physical{artifact{strings.TrimPrefix(uri.String(), "./"), "%SRCROOT%"}, region{line, column}}, nil
	}
	path := filepath.ToSlash(file)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/…
	}
	uri := url.URL{Scheme: "file", Path: path}
	return physical{artifact{URI: uri.String()}, region{line, column}}, nil
}

func cutLast(s string) (before, after string, ok bool) {
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// inOrder sorts results by their place and leaves out repeated ones.
func inOrder(results []result) []result {
	key := func(r result) string {
		at := r.Locations[0].Physical
		return fmt.Sprintf("%s\x00%09d\x00%09d\x00%s\x00%s", at.Artifact.URI, at.Region.Line, at.Region.Column, r.RuleID, r.Message.Text)
	}
	sort.Slice(results, func(i, j int) bool { return key(results[i]) < key(results[j]) })
	once := results[:0]
	for i, each := range results {
		if i == 0 || key(each) != key(once[len(once)-1]) {
			once = append(once, each)
		}
	}
	return once
}
