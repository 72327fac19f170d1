# The guests of 26-memory-command-lines.bats: what a domain's XML can say of memory,
# and what else stands beside it on the command line.
# shellcheck shell=bash

# domain NAME MACHINE - writes $DOMAINS/NAME.xml; on stdin is what the domain has beside
# name, machine and devices, in $DEVICES what these are, and in $OS what <os> has.
domain() {
	cat >"$DOMAINS/$1.xml" <<-END
		<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
		  <name>${NAME:-e2e-$1}</name>
		  $(cat)
		  <os><type arch='x86_64' machine='$2'>hvm</type>${OS-}</os>
		  <devices>
		    <emulator>$E2E_EMULATOR</emulator>
		    ${DEVICES-}
		  </devices>
		</domain>
	END
}

# dimm SIZE - in MiB.
dimm() {
	echo "<memory model='dimm'><target><size unit='MiB'>$1</size><node>0</node></target></memory>"
}

RAM="<memory unit='MiB'>128</memory><vcpu>2</vcpu>"
SLOTS="<features><acpi/></features><maxMemory slots='16' unit='GiB'>4</maxMemory>"
# Memory devices need a guest with NUMA cells.
CELL="<cpu><numa><cell id='0' cpus='0-1' memory='128' unit='MiB'/></numa></cpu>"
CELLS="<cpu><numa>
	<cell id='0' cpus='0' memory='64' unit='MiB'/><cell id='1' cpus='1' memory='64' unit='MiB'/>
</numa></cpu>"

domains_write() {
	## Machines and units
	domain pc pc <<<"$RAM"
	domain q35 q35 <<<"$RAM"
	domain old-pc pc-i440fx-2.12 <<<"$RAM"
	domain old-q35 pc-q35-3.1 <<<"$RAM"
	DEVICES="<controller type='usb' model='none'/><memballoon model='none'/>" \
		domain isapc isapc <<<"<memory unit='MiB'>64</memory>"
	domain bytes pc <<<"<memory unit='bytes'>134217728</memory>"
	domain kib q35 <<<"<memory>131072</memory>"
	domain decimal pc <<<"<memory unit='MB'>130</memory>" # made up to 124 MiB
	domain gib q35 <<<"<memory unit='GiB'>1</memory>"
	domain ballooned pc <<<"<memory unit='MiB'>256</memory>
		<currentMemory unit='MiB'>128</currentMemory>"

	## Cells
	domain cell q35 <<<"$RAM $CELL"
	domain cells pc <<<"$RAM $CELLS"
	domain many-cells q35 <<<"<memory unit='MiB'>128</memory><vcpu>8</vcpu>
		<cpu><topology sockets='4' cores='2' threads='1'/><numa>
		<cell id='0' cpus='0-1' memory='32' unit='MiB'/><cell id='1' cpus='2-3' memory='32768'/>
		<cell id='2' cpus='4,5' memory='32' unit='MiB'/><cell id='3' cpus='6-7' memory='32' unit='MiB'/>
		</numa></cpu>"
	domain distances q35 <<<"$RAM <cpu><numa>
		<cell id='0' cpus='0' memory='64' unit='MiB'>
		<distances><sibling id='0' value='10'/><sibling id='1' value='21'/></distances></cell>
		<cell id='1' cpus='1' memory='64' unit='MiB'>
		<distances><sibling id='0' value='21'/><sibling id='1' value='10'/></distances></cell>
		</numa></cpu>"
	domain shared-cell q35 <<<"$RAM <cpu><numa>
		<cell id='0' cpus='0' memory='64' unit='MiB' memAccess='shared'/>
		<cell id='1' cpus='1' memory='64' unit='MiB'/></numa></cpu>"
	domain numatune pc <<<"$RAM <numatune><memory mode='strict' nodeset='$E2E_NODE'/></numatune>"
	domain memnode q35 <<<"$RAM $CELLS <numatune>
		<memory mode='preferred' nodeset='$E2E_NODE'/>
		<memnode cellid='0' mode='strict' nodeset='$E2E_NODE'/>
		<memnode cellid='1' mode='interleave' nodeset='$E2E_NODE'/></numatune>"

	## Memory devices
	domain slots q35 <<<"$RAM $SLOTS $CELL"
	DEVICES="$(dimm 128)" domain dimm q35 <<<"$RAM $SLOTS $CELL"
	DEVICES="$(dimm 128)$(dimm 256)" domain dimms pc <<<"$RAM $SLOTS $CELL"
	DEVICES="<memory model='dimm' access='shared'>
		<target><size unit='MiB'>128</size><node>0</node></target></memory>" \
		domain dimm-shared q35 <<<"$RAM $SLOTS $CELL"
	DEVICES="<memory model='virtio-mem'><target><size unit='MiB'>512</size><node>0</node>
		<block unit='MiB'>2</block><requested unit='MiB'>128</requested></target></memory>" \
		domain virtio-mem q35 <<<"$RAM $SLOTS $CELL"
	DEVICES="<memory model='nvdimm'><source><path>/var/lib/libvirt/e2e.nvdimm</path></source>
		<target><size unit='MiB'>128</size><node>0</node></target></memory>$(dimm 128)" \
		domain nvdimm q35 <<<"$RAM $SLOTS $CELL"
	DEVICES="<memory model='virtio-pmem' access='shared'>
		<source><path>/var/lib/libvirt/e2e.pmem</path></source>
		<target><size unit='MiB'>128</size></target></memory>" \
		domain virtio-pmem q35 <<<"$RAM $SLOTS $CELL"

	## What memory is backed by
	domain memfd q35 <<<"$RAM <memoryBacking><source type='memfd'/></memoryBacking>"
	domain memfd-shared pc <<<"$RAM
		<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
	domain memfd-cells q35 <<<"$RAM $CELLS
		<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
	domain file q35 <<<"$RAM <memoryBacking><source type='file'/></memoryBacking>"
	domain file-shared pc <<<"$RAM
		<memoryBacking><source type='file'/><access mode='shared'/></memoryBacking>"
	domain anonymous q35 <<<"$RAM
		<memoryBacking><source type='anonymous'/><access mode='private'/></memoryBacking>"
	domain immediate q35 <<<"$RAM <memoryBacking><allocation mode='immediate'/></memoryBacking>"
	domain threads q35 <<<"$RAM
		<memoryBacking><allocation mode='immediate' threads='2'/></memoryBacking>"
	domain hugepages q35 <<<"$RAM <memoryBacking><hugepages/></memoryBacking>"
	domain hugepages-memfd pc <<<"$RAM
		<memoryBacking><hugepages/><source type='memfd'/></memoryBacking>"
	domain hugepages-cell q35 <<<"$RAM $CELLS <memoryBacking><hugepages>
		<page size='2' unit='MiB' nodeset='1'/></hugepages></memoryBacking>"
	domain nosharepages pc <<<"$RAM <memoryBacking><nosharepages/></memoryBacking>"
	domain locked q35 <<<"$RAM <memtune><hard_limit unit='GiB'>1</hard_limit></memtune>
		<memoryBacking><locked/></memoryBacking>"
	domain discard q35 <<<"$RAM <memoryBacking><discard/></memoryBacking>"
	domain dump-core q35 <<<"<memory unit='MiB' dumpCore='on'>128</memory>"

	## What is beside it
	NAME="e2e-odd, 'name' \"of\" \$(a) &lt;guest&gt; \\ *" domain odd-name q35 <<<"$RAM"
	NAME="e2e-größe 大" domain utf8-name pc <<<"$RAM"
	OS="<smbios mode='sysinfo'/>" domain odd-words q35 <<<"$RAM
		<title>a 'title', \"quoted\" &amp; \\ \$(odd)</title><description>&#10;two lines</description>
		<sysinfo type='smbios'><system>
		<entry name='manufacturer'>-object, it's {\"qom-type\":\"memory-backend-ram\"} \\ \`x\`</entry>
		<entry name='product'>Größe = \$1</entry></system></sysinfo>"
	domain own-object q35 <<<"$RAM <qemu:commandline>
		<qemu:arg value='-object'/><qemu:arg value='memory-backend-ram,id=own,size=16M,share=off'/>
		<qemu:arg value='-object'/><qemu:arg value='rng-builtin,id=random'/>
		<qemu:arg value='-object'/>
		<qemu:arg value='memory-backend-ram,id=merged,merge=on,size=0x800000,prealloc=off'/>
		</qemu:commandline>"
	domain own-arguments pc <<<"$RAM <qemu:commandline>
		<qemu:arg value='-global'/><qemu:arg value='e1000.mac='/>
		<qemu:arg value='-machine'/><qemu:arg value='mem-merge=on'/>
		<qemu:arg value=''/><qemu:arg value=\"two words, and 'more'\"/>
		<qemu:arg value='--object'/>
		<qemu:arg value='{&quot;qom-type&quot;:&quot;memory-backend-ram&quot;,&quot;id&quot;:&quot;e&quot;,&quot;size&quot;:4194304}'/>
		<qemu:env name='E2E' value=\"a 'b' c\"/></qemu:commandline>"
	DEVICES="<disk type='file' device='disk'><driver name='qemu' type='raw'/>
		<source file='/var/lib/libvirt/images/a, b=c.img'/><target dev='vda' bus='virtio'/></disk>
		<serial type='pty'/><channel type='unix'><target type='virtio' name='org.e2e.0'/></channel>
		<graphics type='vnc' port='-1'/><video><model type='vga'/></video>
		<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
		<watchdog model='i6300esb'/>" \
		domain devices pc <<<"$RAM <iothreads>2</iothreads><features><acpi/><apic/></features>
		<clock offset='localtime'/>"
}
