package main

import (
	"go/ast"
	"go/types"
	"strconv"
	"strings"
)

const (
	darwinkit = "github.com/progrium/darwinkit/"
	objcPath  = darwinkit + "objc"
)

// reason is why a darwinkit function must not be used: a short name of the rule
// and the sentence behind it. All four facts are about darwinkit v0.5.0.
type reason struct{ rule, why string }

var (
	wrap = reason{"wrap", "hands its object argument to objc.WrapAsProtocol, which panics or hides the " +
		"real object; send the message with objc.Call and pass x.Ptr()"}
	small = reason{"small-result", "returns less than 8 bytes: libffi stores 8 and overwrites what " +
		"follows; use objc.Call[uint64] and mask"}
	closure = reason{"func", "turns a Go func into a block or method: libffi closures crash with " +
		"Go 1.25 and later; wait or poll instead"}
	slice     = reason{"slice-result", "converts an NSArray to a slice: an empty array yields one of garbage length"}
	finalizer = reason{"finalizer", "adds a reference that a finalizer gives back at some later time; " +
		"use x.Retain() and x.Release()"}
)

// objcFuncs are the hand-written functions of package objc not to be used.
var objcFuncs = map[string]reason{
	"AddMethod":          closure,
	"ReplaceMethod":      closure,
	"AddClassMethod":     closure,
	"ReplaceClassMethod": closure,
	"CreateMallocBlock":  closure,
	"CreateGlobalBlock":  closure,
	"WrapAsProtocol":     wrap,
	"Retain":             finalizer,
}

// message is a generated method that sends a selector.
type message struct {
	recv string
	sig  *types.Signature
}

// rules is what was learned from the darwinkit packages that the program loads.
type rules struct {
	bad  map[string]reason    // by path.Receiver.Method or path.Function
	sent map[string][]message // by selector
}

func newRules() rules {
	r := rules{bad: map[string]reason{}, sent: map[string][]message{}}
	for name, why := range objcFuncs {
		r.bad[objcPath+"."+name] = why
	}
	return r
}

// learn reads the generated code of one darwinkit package: first its methods,
// then its functions, which forward to methods by name.
func (r rules) learn(pkg *types.Package, files []*ast.File) {
	if pkg.Path() == objcPath {
		return
	}
	badMethods := map[string]reason{}
	var funcs []*ast.FuncDecl
	for _, f := range files {
		for _, d := range f.Decls {
			fd, ok := d.(*ast.FuncDecl)
			switch {
			case !ok || fd.Body == nil:
			case fd.Recv == nil:
				funcs = append(funcs, fd)
			default:
				if why, ok := r.method(pkg, fd); ok {
					badMethods[fd.Name.Name] = why
				}
			}
		}
	}
	for _, fd := range funcs {
		for _, c := range calls(fd.Body) {
			if why, ok := badMethods[callee(c)]; ok {
				r.bad[pkg.Path()+"."+fd.Name.Name] = why
			}
		}
	}
}

// method learns one method: the selector it sends, and whether it may be called.
func (r rules) method(pkg *types.Package, fd *ast.FuncDecl) (why reason, bad bool) {
	recv, ok := fd.Recv.List[0].Type.(*ast.Ident)
	if !ok || pkg.Scope().Lookup(recv.Name) == nil {
		return reason{}, false
	}
	obj, _, _ := types.LookupFieldOrMethod(pkg.Scope().Lookup(recv.Name).Type(), true, pkg, fd.Name.Name)
	fn, ok := obj.(*types.Func)
	if !ok {
		return reason{}, false
	}
	sig, sel := fn.Signature(), ""
	for _, c := range calls(fd.Body) {
		switch {
		case callee(c) == "WrapAsProtocol":
			why, bad = wrap, true
		case callee(c) == "Call" && len(c.Args) > 1:
			sel = selectorLiteral(c.Args[1])
		}
	}
	if sel == "" {
		return reason{}, false
	}
	if strings.Count(sel, ":") == sig.Params().Len() {
		r.sent[sel] = append(r.sent[sel], message{recv.Name, sig})
	}
	for v := range sig.Params().Variables() {
		if kind(v.Type()) == "func" {
			why, bad = closure, true
		}
	}
	if sig.Results().Len() == 1 && !bad {
		why, bad = badResult(sig.Results().At(0).Type())
	}
	if bad {
		r.bad[pkg.Path()+"."+recv.Name+"."+fd.Name.Name] = why
	}
	return why, bad
}

// verdict says whether a darwinkit function or method may be used. A method of
// a generated interface (IName of a class, PName of a protocol) stands for the
// method of the type behind it.
func (r rules) verdict(fn *types.Func) (name string, why reason, bad bool) {
	recv := fn.Signature().Recv()
	if recv == nil {
		why, bad = r.bad[fn.Pkg().Path()+"."+fn.Name()]
		return fn.Pkg().Name() + "." + fn.Name(), why, bad
	}
	t := recv.Type()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	named, ok := types.Unalias(t).(*types.Named)
	if !ok {
		return "", reason{}, false
	}
	name = named.Obj().Name()
	try := []string{name}
	if types.IsInterface(named) && len(name) > 1 && (name[0] == 'I' || name[0] == 'P') {
		try = []string{name[1:], name[1:] + "Object"}
	}
	for _, n := range try {
		if why, bad = r.bad[fn.Pkg().Path()+"."+n+"."+fn.Name()]; bad {
			break
		}
	}
	return name + "." + fn.Name(), why, bad
}

// badResult says whether a result type cannot be had from libffi as it is.
func badResult(t types.Type) (reason, bool) {
	if smallMask(t) != 0 {
		return small, true
	}
	if kind(t) == "slice" {
		return slice, true
	}
	return reason{}, false
}

// smallMask is the mask that recovers a result of type t from 8 bytes, 0 when t
// is not a small integer.
func smallMask(t types.Type) uint64 {
	if kind(t) == "object" {
		return 0
	}
	b, ok := t.Underlying().(*types.Basic)
	if !ok {
		return 0
	}
	switch b.Kind() {
	case types.Bool, types.Int8, types.Uint8:
		return 0xff
	case types.Int16, types.Uint16:
		return 0xffff
	case types.Int32, types.Uint32:
		return 0xffffffff
	}
	return 0
}

// kind sorts types by how darwinkit and libffi pass them.
func kind(t types.Type) string {
	if m, _, _ := types.LookupFieldOrMethod(t, true, nil, "Ptr"); m != nil {
		return "object"
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch u.Kind() {
		case types.UnsafePointer, types.UntypedNil:
			return "pointer"
		case types.Int, types.Uint, types.Int64, types.Uint64, types.Uintptr, types.UntypedInt:
			return "8-byte integer"
		}
		return u.Name()
	case *types.Pointer:
		return "pointer"
	case *types.Signature:
		return "func"
	case *types.Struct:
		if u.NumFields() == 0 {
			return "nothing" // objc.Void
		}
	case *types.Slice:
		return "slice"
	case *types.Map:
		return "map"
	}
	return t.String()
}

// calls are the call expressions in a body.
func calls(body *ast.BlockStmt) (found []*ast.CallExpr) {
	ast.Inspect(body, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok {
			found = append(found, c)
		}
		return true
	})
	return found
}

// callee is the last name of the called expression.
func callee(c *ast.CallExpr) string {
	if id := calleeIdent(c); id != nil {
		return id.Name
	}
	return ""
}

func calleeIdent(c *ast.CallExpr) *ast.Ident {
	fun := ast.Unparen(c.Fun)
	if ix, ok := fun.(*ast.IndexExpr); ok {
		fun = ast.Unparen(ix.X)
	}
	switch f := fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel
	case *ast.Ident:
		return f
	}
	return nil
}

// selectorLiteral is the text in objc.Sel("..."), "" for anything else.
func selectorLiteral(e ast.Expr) string {
	c, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok || callee(c) != "Sel" || len(c.Args) != 1 {
		return ""
	}
	l, ok := ast.Unparen(c.Args[0]).(*ast.BasicLit)
	if !ok {
		return ""
	}
	s, _ := strconv.Unquote(l.Value)
	return s
}
