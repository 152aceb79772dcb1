// Package flow follows values of SSA form backwards, from where they are used to where they come from, within one
// package.
package flow

import (
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis/passes/buildssa"
	"golang.org/x/tools/go/ssa"
)

// Package is what a package's functions do to each other's values. Variables are told apart, objects are not: a
// field has the values that any object's field was given.
type Package struct {
	Functions []*ssa.Function // with function literals and the initialisation of variables

	callers  map[*ssa.Function][]ssa.CallInstruction
	callees  map[*ssa.Function][]*ssa.Function
	closures map[*ssa.Function][]*ssa.MakeClosure
	fields   map[*types.Var][]*ssa.Store
	cells    map[ssa.Value][]*ssa.Store // by Global, or by the Alloc of a local variable
}

// Place is a point in a function: before an instruction, or the end of a block on its way to another.
type Place struct {
	Block  *ssa.BasicBlock
	Before ssa.Instruction // nil: the end of Block
	To     *ssa.BasicBlock // nil: on the way to no block in particular
}

// Use is a value at a place.
type Use struct {
	Value ssa.Value
	At    Place
}

// At is the place of an instruction.
func At(i ssa.Instruction) Place { return Place{Block: i.Block(), Before: i} }

// New reads a package.
func New(built *buildssa.SSA) *Package {
	p := &Package{
		Functions: functions(built),
		callers:   map[*ssa.Function][]ssa.CallInstruction{},
		callees:   map[*ssa.Function][]*ssa.Function{},
		closures:  map[*ssa.Function][]*ssa.MakeClosure{},
		fields:    map[*types.Var][]*ssa.Store{},
		cells:     map[ssa.Value][]*ssa.Store{},
	}
	var stores []*ssa.Store
	p.Instructions(func(i ssa.Instruction) {
		switch i := i.(type) {
		case *ssa.MakeClosure:
			if made, ok := i.Fn.(*ssa.Function); ok {
				p.closures[made] = append(p.closures[made], i)
			}
		case *ssa.Store:
			stores = append(stores, i)
		}
		if call, ok := i.(ssa.CallInstruction); ok {
			if callee := Callee(call); callee != nil {
				p.callers[callee] = append(p.callers[callee], call)
				p.callees[i.Parent()] = append(p.callees[i.Parent()], callee)
			}
		}
	})
	for _, store := range stores { // after the closures, through which variables are found
		if field := fieldOf(store.Addr); field != nil {
			p.fields[field] = append(p.fields[field], store)
		} else {
			cell := p.cell(store.Addr)
			p.cells[cell] = append(p.cells[cell], store)
		}
	}
	return p
}

func functions(built *buildssa.SSA) []*ssa.Function {
	found := append([]*ssa.Function(nil), built.SrcFuncs...)
	var add func(f *ssa.Function)
	add = func(f *ssa.Function) {
		found = append(found, f)
		for _, literal := range f.AnonFuncs {
			add(literal)
		}
	}
	if initial := built.Pkg.Func("init"); initial != nil {
		add(initial)
	}
	return found
}

// Instructions calls do with each instruction of the package.
func (p *Package) Instructions(do func(ssa.Instruction)) {
	for _, f := range p.Functions {
		for _, block := range f.Blocks {
			for _, i := range block.Instrs {
				do(i)
			}
		}
	}
}

// Callers are the calls in this package that can only mean f.
func (p *Package) Callers(f *ssa.Function) []ssa.CallInstruction { return p.callers[f] }

// Callee is the function that a call can only mean, in its generic form; nil where it may mean several.
func Callee(call ssa.CallInstruction) *ssa.Function {
	callee := call.Common().StaticCallee()
	if callee != nil && callee.Origin() != nil {
		return callee.Origin()
	}
	return callee
}

// farthest is how many times a value is followed to another function or object. Each time all of a kind are taken for
// one, all callers or all objects of a type: after more of them nearly everything comes from everywhere.
const farthest = 3

// frame is a call whose results are being followed, inside of the calls that led to it. A parameter of its function
// comes from its arguments alone.
type frame struct {
	call  *ssa.Call
	under *frame
}

// Walk visits v and, as long as visit says so, what it comes from: through assignments, branches, fields, variables,
// arguments and results.
func (p *Package) Walk(v ssa.Value, at Place, visit func(ssa.Value, Place) bool) {
	type key struct {
		value     ssa.Value
		block, to *ssa.BasicBlock
		in        *frame
	}
	type step struct {
		Use
		in  *frame
		far int
	}
	frames := map[frame]*frame{}
	nearest := map[key]int{}
	for next := []step{{Use: Use{v, at}}}; len(next) > 0; {
		now := next[0]
		next = next[1:]
		k := key{now.Value, now.At.Block, now.At.To, now.in}
		if far, ok := nearest[k]; ok && far <= now.far {
			continue
		}
		nearest[k] = now.far
		if !visit(now.Value, now.At) {
			continue
		}
		in, far := now.in, now.far
		if parameter, ok := now.Value.(*ssa.Parameter); ok && in != nil && Callee(in.call) == parameter.Parent() {
			for _, use := range p.arguments(parameter, in.call) {
				next = append(next, step{use, in.under, far})
			}
			continue
		}
		if call := calledFor(now.Value); call != nil {
			inner := frame{call, in}
			if frames[inner] == nil {
				frames[inner] = &inner
			}
			in = frames[inner]
		}
		if isElsewhere(now.Value) {
			far++
		}
		for _, source := range p.sources(now.Value, now.At) {
			if far <= farthest {
				next = append(next, step{source, in, far})
			}
		}
	}
}

// calledFor is the call whose result v is.
func calledFor(v ssa.Value) *ssa.Call {
	if extract, ok := v.(*ssa.Extract); ok {
		v = extract.Tuple
	}
	call, _ := v.(*ssa.Call)
	return call
}

// isElsewhere says whether v has its value from another function or object.
func isElsewhere(v ssa.Value) bool {
	switch v := v.(type) {
	case *ssa.Parameter, *ssa.Field:
		return true
	case *ssa.UnOp:
		return fieldOf(v.X) != nil
	}
	return calledFor(v) != nil
}

// sources are the uses that v has its value from.
func (p *Package) sources(v ssa.Value, at Place) (found []Use) {
	switch v := v.(type) {
	case *ssa.Phi:
		for i, edge := range v.Edges {
			found = append(found, Use{edge, Place{Block: v.Block().Preds[i], To: v.Block()}})
		}
	case *ssa.ChangeInterface:
		found = append(found, Use{v.X, at})
	case *ssa.ChangeType:
		found = append(found, Use{v.X, at})
	case *ssa.TypeAssert:
		if types.IsInterface(v.AssertedType) {
			found = append(found, Use{v.X, at})
		}
	case *ssa.UnOp:
		if v.Op == token.MUL {
			found = stored(p.storesTo(v.X))
		}
	case *ssa.Field:
		found = stored(p.fields[structField(v.X.Type(), v.Field)])
	case *ssa.Parameter:
		found = p.arguments(v, p.callers[v.Parent()]...)
	case *ssa.FreeVar:
		for _, binding := range p.bindings(v) {
			found = append(found, Use{binding, at})
		}
	case *ssa.Call:
		found = results(v, 0)
	case *ssa.Extract:
		switch tuple := v.Tuple.(type) {
		case *ssa.Call:
			found = results(tuple, v.Index)
		case *ssa.TypeAssert:
			if v.Index == 0 && types.IsInterface(tuple.AssertedType) {
				found = append(found, Use{tuple.X, at})
			}
		}
	}
	return found
}

func stored(stores []*ssa.Store) (found []Use) {
	for _, store := range stores {
		found = append(found, Use{store.Val, At(store)})
	}
	return found
}

func (p *Package) storesTo(address ssa.Value) []*ssa.Store {
	if field := fieldOf(address); field != nil {
		return p.fields[field]
	}
	return p.cells[p.cell(address)]
}

// Writes says whether a call of a function of this package can write to what is at an address.
func (p *Package) Writes(call ssa.CallInstruction, address ssa.Value) bool {
	callee := Callee(call)
	if callee == nil {
		return false
	}
	writers := map[*ssa.Function]bool{}
	for _, store := range p.storesTo(address) {
		writers[store.Parent()] = true
	}
	seen := map[*ssa.Function]bool{}
	for next := []*ssa.Function{callee}; len(writers) > 0 && len(next) > 0; {
		f := next[len(next)-1]
		next = next[:len(next)-1]
		if writers[f] {
			return true
		}
		if !seen[f] {
			seen[f] = true
			next = append(next, p.callees[f]...)
		}
	}
	return false
}

// cell is the variable behind an address: a closure has the address of a variable that is another function's.
func (p *Package) cell(address ssa.Value) ssa.Value {
	for range p.Functions { // at most as deep as functions are nested
		free, ok := address.(*ssa.FreeVar)
		if !ok {
			break
		}
		bindings := p.bindings(free)
		if len(bindings) == 0 {
			break
		}
		address = bindings[0]
	}
	return address
}

func (p *Package) bindings(free *ssa.FreeVar) (found []ssa.Value) {
	for i, each := range free.Parent().FreeVars {
		if each == free {
			for _, closure := range p.closures[free.Parent()] {
				found = append(found, closure.Bindings[i])
			}
		}
	}
	return found
}

func (p *Package) arguments(parameter *ssa.Parameter, calls ...ssa.CallInstruction) (found []Use) {
	for i, each := range parameter.Parent().Params {
		if each != parameter {
			continue
		}
		for _, call := range calls {
			if arguments := call.Common().Args; i < len(arguments) {
				found = append(found, Use{arguments[i], At(call)})
			}
		}
	}
	return found
}

func results(call *ssa.Call, index int) (found []Use) {
	for _, back := range Returns(Callee(call)) {
		if index < len(back.Results) {
			found = append(found, Use{back.Results[index], At(back)})
		}
	}
	return found
}

// Returns are the ways out of f; none of a function whose body is not known.
func Returns(f *ssa.Function) (found []*ssa.Return) {
	if f == nil {
		return nil
	}
	for _, block := range f.Blocks {
		if len(block.Instrs) > 0 {
			if back, ok := block.Instrs[len(block.Instrs)-1].(*ssa.Return); ok {
				found = append(found, back)
			}
		}
	}
	return found
}

// fieldOf is the field that an address is of.
func fieldOf(address ssa.Value) *types.Var {
	if of, ok := address.(*ssa.FieldAddr); ok {
		if pointer, ok := of.X.Type().Underlying().(*types.Pointer); ok {
			return structField(pointer.Elem(), of.Field)
		}
	}
	return nil
}

func structField(t types.Type, index int) *types.Var {
	if fields, ok := t.Underlying().(*types.Struct); ok && index < fields.NumFields() {
		return fields.Field(index).Origin()
	}
	return nil
}
