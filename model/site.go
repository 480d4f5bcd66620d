package model

import (
	"fmt"
	"math/bits"
	"strings"
)

// Site is a place in a block that may carry a norm.
type Site uint8

// The thirteen sites of a block, in the order data passes them.
const (
	S1       Site = iota // stream, before the attention: residual and branch both see it
	AttnIn               // input of the attention branch
	Q                    // queries, per head
	K                    // keys, per head
	V                    // values, per head
	C                    // attention output, per head
	Ctx                  // concatenated heads, before the output projection
	AttnOut              // output of the attention branch
	S2                   // stream, between the two sublayers
	FFNIn                // input of the FFN branch
	FFNInner             // between activation and down projection
	FFNOut               // output of the FFN branch
	S3                   // stream, at the end of the block
	siteCount
)

var siteNames = [siteCount]string{
	"s1", "attn_in", "q", "k", "v", "c", "ctx", "attn_out", "s2", "ffn_in", "ffn_inner", "ffn_out", "s3",
}

func (s Site) String() string { return siteNames[s] }

// Sites is a set of sites.
type Sites uint16

// SitesOf makes a set.
func SitesOf(sites ...Site) Sites {
	var m Sites
	for _, s := range sites {
		m |= 1 << s
	}
	return m
}

// ParseSites reads canonical names.
func ParseSites(names []string) (Sites, error) {
	var m Sites
next:
	for _, n := range names {
		for s, name := range siteNames {
			if n == name {
				m |= 1 << s
				continue next
			}
		}
		return 0, fmt.Errorf("%q is not a norm site; the sites are %s", n, strings.Join(siteNames[:], ", "))
	}
	return m, nil
}

// Has tells whether s is in the set.
func (m Sites) Has(s Site) bool { return m&(1<<s) != 0 }

// Any tells whether one of the sites is in the set.
func (m Sites) Any(sites ...Site) bool { return m&SitesOf(sites...) != 0 }

// List gives the sites in data order.
func (m Sites) List() []Site {
	l := make([]Site, 0, bits.OnesCount16(uint16(m)))
	for s := Site(0); s < siteCount; s++ {
		if m.Has(s) {
			l = append(l, s)
		}
	}
	return l
}

// Names gives the canonical names in data order.
func (m Sites) Names() []string {
	var n []string
	for _, s := range m.List() {
		n = append(n, s.String())
	}
	return n
}

func (m Sites) String() string { return strings.Join(m.Names(), " ") }
