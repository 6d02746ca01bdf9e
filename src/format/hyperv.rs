//! Hyper-V's configuration containers: XML (2008 to 2012 R2) and VMCX (2016 on). Both become one tree of typed keys.
