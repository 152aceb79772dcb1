// Package unguarded has the rule that finds type assertions which panic when an element of a map of interface{}
// values is missing or of another type, and which nothing guards.
package unguarded

import (
	"fmt"
	"go/token"
	"go/types"
	"path/filepath"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/buildssa"
	"golang.org/x/tools/go/ssa"

	"tracemill/mapassert/flow"
)

const doc = `find unguarded type assertions on elements of maps of interface{}

A type assertion without ok panics when the map has no such key, or a value of another type. Elements are followed
through assignments, branches, fields, variables, ranges, nested maps and the functions of the package. An assertion is
guarded by ok of itself or of an earlier one, by a type switch, and where the element was found to be there: by ok of
the map's, or by a comparison with nil. An assertion to interface{} is taken to be safe.

With -strict only what cannot panic passes: an element that is there may still be of another type, and an assertion to
interface{} panics on a missing key. With -methods maps of interfaces that have methods are looked at too.`

// Analyzer is the rule.
var Analyzer = &analysis.Analyzer{
	Name:     "mapassert",
	Doc:      doc,
	Requires: []*analysis.Analyzer{buildssa.Analyzer},
	Run:      run,
}

var isStrict, withMethods bool

func init() {
	Analyzer.Flags.BoolVar(&withMethods, "methods", false, "look at maps of interfaces with methods too")
	Analyzer.Flags.BoolVar(&isStrict, "strict", false, "let nothing pass that can panic")
}

func run(pass *analysis.Pass) (interface{}, error) {
	values := flow.New(pass.ResultOf[buildssa.Analyzer].(*buildssa.SSA))
	values.Instructions(func(i ssa.Instruction) {
		if assertion, ok := i.(*ssa.TypeAssert); ok && !assertion.CommaOk && assertion.Pos().IsValid() && !isSafe(assertion) {
			if origin := unguarded(values, assertion); origin != nil {
				pass.Reportf(assertion.Pos(), "%s", message(pass, assertion, origin))
			}
		}
	})
	return nil, nil
}

// isSafe says whether an assertion holds whatever the element is.
func isSafe(assertion *ssa.TypeAssert) bool {
	asserted, ok := assertion.AssertedType.Underlying().(*types.Interface)
	return ok && !isStrict && !isTypeParameter(assertion.AssertedType) && types.Implements(assertion.X.Type(), asserted)
}

// unguarded is the element of a map that reaches the assertion past all guards; nil if there is none.
func unguarded(values *flow.Package, assertion *ssa.TypeAssert) (origin ssa.Value) {
	guards := guard{values: values, asserted: assertion.AssertedType}
	values.Walk(assertion.X, flow.At(assertion), func(v ssa.Value, at flow.Place) bool {
		if origin != nil || guards.holds(v, at) {
			return false
		}
		if isElement(v) {
			origin = v
			return false
		}
		return true
	})
	return origin
}

// isElement says whether v was taken out of a map of interfaces: by its key or by a range.
func isElement(v ssa.Value) bool {
	switch v := v.(type) {
	case *ssa.Lookup:
		return !v.CommaOk && isMapOfInterface(v.X.Type())
	case *ssa.Extract:
		switch tuple := v.Tuple.(type) {
		case *ssa.Lookup:
			return v.Index == 0 && isMapOfInterface(tuple.X.Type())
		case *ssa.Next:
			each, ok := tuple.Iter.(*ssa.Range)
			return ok && v.Index == 2 && isMapOfInterface(each.X.Type())
		}
	}
	return false
}

func isMapOfInterface(t types.Type) bool {
	m, ok := core(t).(*types.Map)
	if !ok || isTypeParameter(m.Elem()) {
		return false
	}
	value, ok := m.Elem().Underlying().(*types.Interface)
	return ok && (value.Empty() || withMethods)
}

// core is the one type that values of t are made of, of a type parameter too.
func core(t types.Type) types.Type {
	constraint, ok := t.Underlying().(*types.Interface)
	if !ok || !isTypeParameter(t) || constraint.NumEmbeddeds() != 1 {
		return t.Underlying()
	}
	switch only := constraint.EmbeddedType(0).(type) {
	case *types.Union:
		if only.Len() == 1 {
			return only.Term(0).Type().Underlying()
		}
		return t.Underlying()
	default:
		return only.Underlying()
	}
}

func isTypeParameter(t types.Type) bool {
	_, ok := t.(*types.TypeParam)
	return ok
}

func message(pass *analysis.Pass, assertion *ssa.TypeAssert, origin ssa.Value) string {
	name := func(t types.Type) string { return types.TypeString(t, types.RelativeTo(pass.Pkg)) }
	m, why := mapOf(origin)
	return fmt.Sprintf("%s asserts an element of %s to %s without a guard: it panics %s%s",
		assertion.Parent().RelString(pass.Pkg), name(m), name(assertion.AssertedType), why,
		elsewhere(pass.Fset, assertion, origin))
}

func mapOf(origin ssa.Value) (t types.Type, why string) {
	const other = "when the value is of another type"
	if extract, ok := origin.(*ssa.Extract); ok {
		if next, ok := extract.Tuple.(*ssa.Next); ok {
			return next.Iter.(*ssa.Range).X.Type(), other
		}
		return extract.Tuple.(*ssa.Lookup).X.Type(), "when the key is missing or " + other[len("when "):]
	}
	return origin.(*ssa.Lookup).X.Type(), "when the key is missing or " + other[len("when "):]
}

// elsewhere says where the element was taken, if that is another line than the assertion's.
func elsewhere(files *token.FileSet, assertion *ssa.TypeAssert, origin ssa.Value) string {
	at := origin.Pos()
	if extract, ok := origin.(*ssa.Extract); ok {
		at = extract.Tuple.Pos()
		if next, ok := extract.Tuple.(*ssa.Next); ok {
			at = next.Iter.Pos()
		}
	}
	place, own := files.Position(at), files.Position(assertion.Pos())
	if !at.IsValid() || place.Filename == own.Filename && place.Line == own.Line {
		return ""
	}
	return fmt.Sprintf(" (taken at %s:%d)", filepath.Base(place.Filename), place.Line)
}
