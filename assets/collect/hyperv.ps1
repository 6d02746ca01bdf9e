# Writes what this Hyper-V host knows of its machines, snapshots and disks into a file for `vhdtree --facts FILE`.
# Reads only. Windows Server 2012 and later, PowerShell 3 and later, as an administrator:
#   .\collect.ps1                         all machines, into vhdtree-host.json
#   .\collect.ps1 -VMName web01 -Out web01.json
param([string[]]$VMName = @('*'), [string]$Out = 'vhdtree-host.json')
$ErrorActionPreference = 'Stop'

function Utc($time) { if ($time) { ([datetime]$time).ToUniversalTime().ToString('o') } else { $null } }
function Word($state) {
    $word = "$state".ToLowerInvariant()
    if (@('running', 'off', 'saved', 'paused') -contains $word) { $word } else { 'other' }
}
function Kind($snapshot) {
    if ($snapshot.IsAutomaticCheckpoint) { return 'automatic' }
    switch -Regex ("$($snapshot.SnapshotType)") {
        '^Standard' { 'standard' }
        '^Production' { 'production' }
        '^Recovery' { 'recovery' }
        'Replica$' { 'replica' }
        default { 'other' }
    }
}

$vms = @(Get-VM -Name $VMName)
$all = @($VMName) -contains '*'

# As the host keeps it: which snapshot was applied (or taken) last.
$applied = @{}
foreach ($link in @(Get-CimInstance -Namespace root\virtualization\v2 -ClassName Msvm_LastAppliedSnapshot -ErrorAction SilentlyContinue)) {
    $ends = @($link.Antecedent, $link.Dependent)
    $machine = $ends | Where-Object { $_.Name } | Select-Object -First 1
    $settings = $ends | Where-Object { $_.InstanceID } | Select-Object -First 1
    if ($machine -and $settings) { $applied["$($machine.Name)".ToLowerInvariant()] = "$($settings.InstanceID)" -replace '^Microsoft:', '' }
}

$paths = New-Object Collections.Generic.List[string]
$folders = @{}
$machines = @(foreach ($vm in $vms) {
    $disks = @($vm.HardDrives | ForEach-Object { $_.Path } | Where-Object { $_ })
    $disks | ForEach-Object { $paths.Add($_) }
    if ($all) {
        $folders[(Join-Path $vm.ConfigurationLocation 'Virtual Machines')] = $true
        $folders[(Join-Path $vm.SnapshotFileLocation 'Snapshots')] = $true
    }
    [ordered]@{
        id = "$($vm.Id)"; name = $vm.Name; state = Word $vm.State; version = "$($vm.Version)"
        parent_snapshot = if ($vm.ParentSnapshotId) { "$($vm.ParentSnapshotId)" } else { $null }
        last_applied = $applied["$($vm.Id)".ToLowerInvariant()]; disks = $disks
    }
})
$snapshots = @(foreach ($snapshot in @($vms | Get-VMSnapshot)) {
    $disks = @($snapshot.HardDrives | ForEach-Object { $_.Path } | Where-Object { $_ })
    $disks | ForEach-Object { $paths.Add($_) }
    [ordered]@{
        id = "$($snapshot.Id)"; name = $snapshot.Name; machine = "$($snapshot.VMId)"
        parent = if ($snapshot.ParentSnapshotId) { "$($snapshot.ParentSnapshotId)" } else { $null }
        taken = Utc $snapshot.CreationTime; kind = Kind $snapshot; disks = $disks
    }
})

# Each disk, and what it stands on.
$seen = @{}
$disks = @(for ($at = 0; $at -lt $paths.Count; $at++) {
    $path = $paths[$at]
    if ($seen[$path.ToLowerInvariant()]) { continue }
    $seen[$path.ToLowerInvariant()] = $true
    $disk = Get-VHD -Path $path -ErrorAction SilentlyContinue
    if (-not $disk) { continue }
    if ($disk.ParentPath) { $paths.Add($disk.ParentPath) }
    [ordered]@{
        path = $path; format = "$($disk.VhdFormat)"; type = "$($disk.VhdType)"
        parent = if ($disk.ParentPath) { $disk.ParentPath } else { $null }
        id = $disk.DiskIdentifier; size = $disk.Size; file_size = $disk.FileSize; block_size = $disk.BlockSize
        sector_size = $disk.LogicalSectorSize; attached = $disk.Attached
    }
})

# Times of their files; for all machines, of all files beside them too.
$places = @{}
foreach ($path in $paths) { $places[(Split-Path -Parent $path)] = $true }
$found = @{}
foreach ($path in $paths) {
    $file = Get-Item -LiteralPath $path -Force -ErrorAction SilentlyContinue
    if ($file) { $found[$file.FullName] = $file }
}
if ($all) {
    foreach ($folder in $places.Keys) { Get-ChildItem -LiteralPath $folder -File -Force -ErrorAction SilentlyContinue | ForEach-Object { $found[$_.FullName] = $_ } }
    foreach ($folder in $folders.Keys) { Get-ChildItem -LiteralPath $folder -File -Force -Recurse -ErrorAction SilentlyContinue | ForEach-Object { $found[$_.FullName] = $_ } }
}
$files = @($found.Values | Sort-Object FullName | ForEach-Object {
    [ordered]@{ path = $_.FullName; length = $_.Length; created = Utc $_.CreationTimeUtc; written = Utc $_.LastWriteTimeUtc }
})
$free = @(foreach ($folder in $places.Keys) {
    $volume = Get-Volume -FilePath $folder -ErrorAction SilentlyContinue
    if ($volume) { [ordered]@{ path = $folder; bytes = $volume.SizeRemaining } }
})

$facts = [ordered]@{
    schema = 'vhdtree-host/1'; host = $env:COMPUTERNAME; at = Utc (Get-Date); product = 'hyperv'
    machines = $machines; snapshots = $snapshots; disks = $disks; files = $files; free = $free
}
$target = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Out)
[IO.File]::WriteAllText($target, (ConvertTo-Json -InputObject $facts -Depth 6), (New-Object Text.UTF8Encoding $false))
Write-Host "${target}: $($machines.Count) machines, $($snapshots.Count) snapshots, $($disks.Count) disks"
