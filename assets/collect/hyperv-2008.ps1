# Writes what this Hyper-V host knows of its machines, snapshots and disks into a file for `vhdtree --facts FILE`.
# Reads only. Windows Server 2008 and 2008 R2, PowerShell 2, as an administrator:
#   .\collect.ps1                         all machines, into vhdtree-host.json
#   .\collect.ps1 -VMName web01 -Out web01.json
param([string]$VMName = '*', [string]$Out = 'vhdtree-host.json')
$ErrorActionPreference = 'Stop'
$space = 'root\virtualization'

function Text($value) {
    if ($value -eq $null -or "$value" -eq '') { return 'null' }
    $text = "$value" -replace '\\', '\\' -replace '"', '\"'
    $text = [regex]::Replace($text, '[\x00-\x1f]', { param($m) '\u{0:x4}' -f [int][char]$m.Value })
    '"' + $text + '"'
}
function Number($value) { if ($value -eq $null -or "$value" -eq '') { 'null' } else { "$value" } }
function Row($pairs) { '{' + (@($pairs | ForEach-Object { '"' + $_[0] + '":' + $_[1] }) -join ',') + '}' }
function Rows($rows) { '[' + (@($rows | Where-Object { $_ }) -join ",`r`n  ") + ']' }
function Texts($values) { '[' + (@($values | ForEach-Object { Text $_ }) -join ',') + ']' }
function Utc($time) { if ($time) { $time.ToUniversalTime().ToString('o') } }
function Settings($id) { "$id" -replace '^Microsoft:', '' -replace '\\.*$', '' }

$states = @{ '2' = 'running'; '3' = 'off'; '32768' = 'paused'; '32769' = 'saved' }
$types = @{ '2' = 'fixed'; '3' = 'dynamic'; '4' = 'differencing' }
$service = Get-WmiObject -Namespace $space -Class Msvm_ImageManagementService
$vms = @(Get-WmiObject -Namespace $space -Class Msvm_ComputerSystem | Where-Object { $_.Name -match '^[0-9A-Fa-f]{8}-' -and $_.ElementName -like $VMName })

# Paths of disks by the settings that attach them.
$attached = @{}
foreach ($drive in @(Get-WmiObject -Namespace $space -Class Msvm_ResourceAllocationSettingData | Where-Object { $_.ResourceSubType -eq 'Microsoft Virtual Hard Disk' })) {
    $id = (Settings $drive.InstanceID).ToLower()
    $attached[$id] = @($attached[$id] | Where-Object { $_ }) + @($drive.Connection | Where-Object { $_ })
}
# As the host keeps it: which snapshot was applied (or taken) last.
$applied = @{}
$links = @('Msvm_LastAppliedSnapshot', 'Msvm_LastAppliedSettingData') | ForEach-Object { Get-WmiObject -Namespace $space -Class $_ -ErrorAction SilentlyContinue }
foreach ($link in @($links | Where-Object { $_ })) {
    $ends = "$($link.Antecedent) $($link.Dependent)"
    if ($ends -match 'Msvm_ComputerSystem[^ ]*Name="([^"]+)"') {
        $machine = $matches[1].ToLower()
        if ($ends -match 'InstanceID="Microsoft:([^"\\]+)') { $applied[$machine] = $matches[1] }
    }
}

$paths = New-Object Collections.ArrayList
$machines = @(); $snapshots = @()
foreach ($vm in $vms) {
    foreach ($settings in @(Get-WmiObject -Namespace $space -Class Msvm_VirtualSystemSettingData -Filter "SystemName='$($vm.Name)'")) {
        $id = Settings $settings.InstanceID
        $disks = @($attached[$id.ToLower()] | Where-Object { $_ })
        $disks | Where-Object { $_ } | ForEach-Object { [void]$paths.Add($_) }
        $parent = $null
        if ("$($settings.Parent)" -match 'InstanceID="Microsoft:([^"\\]+)') { $parent = $matches[1] }
        if ($settings.SettingType -eq 3) {
            $state = $states["$($vm.EnabledState)"]
            if (-not $state) { $state = 'other' }
            $machines += Row @(@('id', (Text $vm.Name)), @('name', (Text $vm.ElementName)), @('state', (Text $state)), @('parent_snapshot', (Text $parent)), @('last_applied', (Text $applied[$vm.Name.ToLower()])), @('disks', (Texts $disks)))
        } elseif ($settings.SettingType -eq 5) {
            $taken = $null
            if ($settings.CreationTime) { $taken = $settings.ConvertToDateTime($settings.CreationTime) }
            $snapshots += Row @(@('id', (Text $id)), @('name', (Text $settings.ElementName)), @('machine', (Text $vm.Name)), @('parent', (Text $parent)), @('taken', (Text (Utc $taken))), @('kind', '"standard"'), @('disks', (Texts $disks)))
        }
    }
}

# Each disk, and what it stands on; and the times of its file.
$seen = @{}; $disks = @(); $files = @(); $drives = @{}
for ($at = 0; $at -lt $paths.Count; $at++) {
    $path = $paths[$at]
    if ($seen[$path.ToLower()]) { continue }
    $seen[$path.ToLower()] = $true
    $answer = $service.GetVirtualHardDiskInfo($path)
    if ($answer.ReturnValue -eq 0 -and $answer.Info) {
        $info = @{}
        foreach ($property in ([xml]$answer.Info).INSTANCE.PROPERTY) { $info[$property.NAME] = $property.VALUE }
        if ($info['ParentPath']) { [void]$paths.Add($info['ParentPath']) }
        $disks += Row @(@('path', (Text $path)), @('format', '"VHD"'), @('type', (Text $types["$($info['Type'])"])), @('parent', (Text $info['ParentPath'])), @('size', (Number $info['MaxInternalSize'])), @('file_size', (Number $info['FileSize'])), @('attached', "$($info['InUse'] -eq 'TRUE')".ToLower()))
    }
    $file = Get-Item -LiteralPath $path -Force -ErrorAction SilentlyContinue
    if ($file) {
        $files += Row @(@('path', (Text $path)), @('length', (Number $file.Length)), @('created', (Text (Utc $file.CreationTimeUtc))), @('written', (Text (Utc $file.LastWriteTimeUtc))))
        $drives[(Split-Path -Qualifier $path)] = $true
    }
}
$free = @()
foreach ($drive in $drives.Keys) {
    $volume = Get-WmiObject -Class Win32_LogicalDisk -Filter "DeviceID='$drive'"
    if ($volume) { $free += Row @(@('path', (Text "$drive\")), @('bytes', (Number $volume.FreeSpace))) }
}

$facts = '{"schema":"vhdtree-host/1","host":' + (Text $env:COMPUTERNAME) + ',"at":' + (Text (Utc (Get-Date))) + ",""product"":""hyperv-2008"",`r`n" +
    '"machines":' + (Rows $machines) + ",`r`n" + '"snapshots":' + (Rows $snapshots) + ",`r`n" + '"disks":' + (Rows $disks) + ",`r`n" +
    '"files":' + (Rows $files) + ",`r`n" + '"free":' + (Rows $free) + "}`r`n"
$target = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Out)
[IO.File]::WriteAllText($target, $facts, (New-Object Text.UTF8Encoding $false))
Write-Host "${target}: $($machines.Count) machines, $($snapshots.Count) snapshots, $($disks.Count) disks"
