package unguarded

import (
	"go/constant"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ssa"

	"tracemill/mapassert/flow"
)

// guard looks for what makes an assertion to a type safe.
type guard struct {
	values   *flow.Package
	asserted types.Type
	depth    int // of helper functions and stored conditions that are looked into
}

const deepest = 6

// What is known of an element: that its key is in the map, that it is not nil, that it is of the asserted type.
type knowledge int

const (
	nothing knowledge = iota
	isPresent
	isNotNil
	isOfType
)

// view is which values count as the guarded one. Behind a value's definition nothing is said of it itself, but of
// another read of the same key; behind a write nothing of that either.
type view struct{ itself, reads bool }

func (w view) has(v, other ssa.Value) bool {
	return w.itself && flow.Unconverted(v) == flow.Unconverted(other) || w.reads && isRead(flow.Unconverted(v)) && flow.Same(v, other)
}

// suffices says whether an assertion may follow.
func (g guard) suffices(known knowledge) bool {
	if !isStrict {
		return known != nothing
	}
	asserted, ok := g.asserted.Underlying().(*types.Interface)
	if ok && asserted.Empty() {
		return known >= isNotNil
	}
	return known == isOfType
}

// holds says whether every path to a place passes a guard of v.
func (g guard) holds(v ssa.Value, at flow.Place) bool {
	if g.depth > deepest {
		return false
	}
	type state struct {
		block *ssa.BasicBlock
		view
	}
	// From the place backwards; a path ends at a guard, and one that ends elsewhere has none.
	start := state{at.Block, view{itself: true, reads: true}}
	if at.To != nil && g.edge(v, at.Block, at.To, start.view) {
		return true
	}
	seen, before := map[state]bool{}, at.Before
	for next := []state{start}; len(next) > 0; {
		s := next[len(next)-1]
		next = next[:len(next)-1]
		if seen[s] {
			continue
		}
		seen[s] = before == nil // the first block may come again as a whole
		now, isGuarded := g.instructions(v, s.block, before, s.view)
		before = nil
		if isGuarded {
			continue
		}
		if len(s.block.Preds) == 0 || !now.itself && !(now.reads && isRead(flow.Unconverted(v))) {
			return false
		}
		for _, from := range s.block.Preds {
			if !g.edge(v, from, s.block, now) && !endsProgram(from) {
				next = append(next, state{from, now})
			}
		}
	}
	return true
}

// instructions goes through a block's instructions backwards.
func (g guard) instructions(v ssa.Value, block *ssa.BasicBlock, before ssa.Instruction, w view) (view, bool) {
	isIn := before == nil
	for n := len(block.Instrs) - 1; n >= 0; n-- {
		i := block.Instrs[n]
		if !isIn {
			isIn = i == before
			continue
		}
		if made, ok := i.(ssa.Value); ok && made == definition(v) {
			w.itself = false
		}
		switch i := i.(type) {
		case *ssa.TypeAssert: // had it panicked, nothing would follow
			if !i.CommaOk && w.has(v, i.X) && known(i.AssertedType, g.asserted) == isOfType {
				return w, true
			}
		case *ssa.MapUpdate:
			if m, key, ok := element(v); ok && w.reads && flow.Same(m, i.Map) && !flow.Differ(key, i.Key) {
				if flow.Same(key, i.Key) && isMadeOf(i.Value, g.asserted) {
					return w, true
				}
				w.reads = false
			}
		case *ssa.Store:
			if load, ok := flow.Unconverted(v).(*ssa.UnOp); ok && w.reads && load.Op == token.MUL && flow.Same(load.X, i.Addr) {
				if isMadeOf(i.Val, g.asserted) {
					return w, true
				}
				w.reads = false
			}
		case *ssa.Call:
			m, _, ok := element(v)
			load, isLoad := flow.Unconverted(v).(*ssa.UnOp)
			if ok && deletesFrom(i, m) || w.reads && isLoad && g.values.Writes(i, load.X) {
				w.reads = false
			}
		}
	}
	return w, false
}

// edge says whether the way from one block to another is taken only when v is what it is asserted to be.
func (g guard) edge(v ssa.Value, from, to *ssa.BasicBlock, w view) bool {
	if len(from.Instrs) == 0 || len(from.Succs) != 2 || from.Succs[0] == from.Succs[1] {
		return false
	}
	branch, ok := from.Instrs[len(from.Instrs)-1].(*ssa.If)
	return ok && g.proves(v, branch.Cond, from.Succs[0] == to, w)
}

// proves says whether v is what it is asserted to be when a condition has come out as truth.
func (g guard) proves(v, condition ssa.Value, truth bool, w view) bool {
	if g.depth++; g.depth > deepest {
		return false
	}
	switch c := condition.(type) {
	case *ssa.Const:
		return c.Value != nil && c.Value.Kind() == constant.Bool && constant.BoolVal(c.Value) != truth // never so
	case *ssa.UnOp:
		return c.Op == token.NOT && g.proves(v, c.X, !truth, w)
	case *ssa.BinOp:
		if c.Op != token.EQL && c.Op != token.NEQ {
			return false
		}
		isEqual := truth == (c.Op == token.EQL)
		return g.compared(v, c.X, c.Y, isEqual, w) || g.compared(v, c.Y, c.X, isEqual, w)
	case *ssa.Phi:
		for i, edge := range c.Edges {
			at := flow.Place{Block: c.Block().Preds[i], To: c.Block()}
			if !g.proves(v, edge, truth, w) && !g.holds(v, at) {
				return false
			}
		}
		return true
	case *ssa.Extract:
		switch tuple := c.Tuple.(type) {
		case *ssa.TypeAssert:
			return truth && c.Index == 1 && w.has(v, tuple.X) && g.suffices(known(tuple.AssertedType, g.asserted))
		case *ssa.Lookup:
			return truth && c.Index == 1 && g.suffices(isPresent) && isElementOf(v, tuple, w)
		case *ssa.Call:
			return g.told(v, tuple, c.Index, truth, w)
		}
	case *ssa.Call:
		return g.told(v, c, 0, truth, w)
	}
	return false
}

// compared says what a comparison of one value with another proves of v.
func (g guard) compared(v, one, other ssa.Value, isEqual bool, w view) bool {
	switch other := other.(type) {
	case *ssa.Const:
		if other.IsNil() {
			return !isEqual && w.has(v, one) && g.suffices(isNotNil)
		}
		if other.Value != nil && other.Value.Kind() == constant.Bool {
			return g.proves(v, one, constant.BoolVal(other.Value) == isEqual, w)
		}
	case *ssa.MakeInterface:
		return isEqual && w.has(v, one) && isMadeOf(other, g.asserted)
	}
	return isEqual && !isStrict && w.has(v, reflected(one))
}

// told says what a function of the package proves of its argument, or of its other result, by a result of its own.
func (g guard) told(v ssa.Value, call *ssa.Call, index int, truth bool, w view) bool {
	callee := flow.Callee(call)
	returns := flow.Returns(callee)
	if len(returns) == 0 {
		return false
	}
	var inside func(*ssa.Return) ssa.Value
	for i, argument := range call.Call.Args {
		if i < len(callee.Params) && w.has(v, argument) {
			parameter := callee.Params[i]
			inside = func(*ssa.Return) ssa.Value { return parameter }
		}
	}
	if result, ok := flow.Unconverted(v).(*ssa.Extract); ok && w.itself && result.Tuple == call {
		inside = func(back *ssa.Return) ssa.Value { return back.Results[result.Index] }
	}
	if inside == nil {
		return false
	}
	for _, back := range returns {
		all := view{itself: true, reads: true}
		if !g.proves(inside(back), back.Results[index], truth, all) && !g.holds(inside(back), flow.At(back)) {
			return false
		}
	}
	return true
}

// known is what an assertion to one type that went well says of an assertion to another.
func known(tested, asserted types.Type) knowledge {
	if types.Identical(tested, asserted) {
		return isOfType
	}
	wanted, ok := asserted.Underlying().(*types.Interface)
	if ok && !isTypeParameter(asserted) && types.Implements(tested, wanted) {
		return isOfType
	}
	if types.IsInterface(tested) {
		return isNotNil
	}
	return nothing // of another type it is, which makes the assertion no safer
}

// isMadeOf says whether v was made an interface of a value of t.
func isMadeOf(v ssa.Value, t types.Type) bool {
	made, ok := v.(*ssa.MakeInterface)
	return ok && known(made.X.Type(), t) == isOfType
}

// definition is the instruction that gives v its value.
func definition(v ssa.Value) ssa.Value {
	if extract, ok := flow.Unconverted(v).(*ssa.Extract); ok {
		return extract.Tuple
	}
	return flow.Unconverted(v)
}

// isRead says whether v was read from a place that can be read again.
func isRead(v ssa.Value) bool {
	if load, ok := v.(*ssa.UnOp); ok {
		return load.Op == token.MUL
	}
	_, _, ok := element(v)
	return ok
}

// element takes apart m[key].
func element(v ssa.Value) (m, key ssa.Value, ok bool) {
	switch v := flow.Unconverted(v).(type) {
	case *ssa.Lookup:
		return v.X, v.Index, true
	case *ssa.Extract:
		if tuple, ok := v.Tuple.(*ssa.Lookup); ok && v.Index == 0 {
			return tuple.X, tuple.Index, true
		}
	}
	return nil, nil, false
}

func isElementOf(v ssa.Value, found *ssa.Lookup, w view) bool {
	if extract, ok := flow.Unconverted(v).(*ssa.Extract); ok && w.itself && extract.Tuple == found {
		return true
	}
	m, key, ok := element(v)
	return ok && w.reads && flow.Same(m, found.X) && flow.Same(key, found.Index)
}

func deletesFrom(call *ssa.Call, m ssa.Value) bool {
	builtin, ok := call.Call.Value.(*ssa.Builtin)
	return ok && builtin.Name() == "delete" && flow.Same(m, call.Call.Args[0])
}

// reflected is the value whose type or kind v is, by package reflect; nil if v is none.
func reflected(v ssa.Value) ssa.Value {
	for range [3]int{} {
		call, ok := v.(*ssa.Call)
		if !ok {
			return nil
		}
		if call.Call.IsInvoke() {
			v = call.Call.Value
			continue
		}
		callee := call.Call.StaticCallee()
		if callee == nil || len(call.Call.Args) == 0 || callee.Pkg == nil || callee.Pkg.Pkg.Path() != "reflect" {
			return nil
		}
		v = call.Call.Args[0]
		if name := callee.Name(); name == "TypeOf" || name == "ValueOf" {
			return v
		}
	}
	return nil
}

var ends = map[string]bool{
	"os.Exit": true, "runtime.Goexit": true, "log.Fatal": true, "log.Fatalf": true, "log.Fatalln": true,
	"log.Panic": true, "log.Panicf": true, "log.Panicln": true,
	"(*log.Logger).Fatal": true, "(*log.Logger).Fatalf": true, "(*log.Logger).Fatalln": true,
	"(*testing.common).Fatal": true, "(*testing.common).Fatalf": true, "(*testing.common).FailNow": true,
	"(*testing.common).Skip": true, "(*testing.common).Skipf": true, "(*testing.common).SkipNow": true,
}

// endsProgram says whether nothing comes after a block, though SSA form has it go on.
func endsProgram(block *ssa.BasicBlock) bool {
	for _, i := range block.Instrs {
		if call, ok := i.(*ssa.Call); ok {
			if callee := call.Call.StaticCallee(); callee != nil && ends[callee.String()] {
				return true
			}
		}
	}
	return false
}
